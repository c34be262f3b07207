"""Instrument traffic in a session (``io/*.jsonl``): all messages to and from its boxes, a JSON object a line.

A session holds one such file for every part of it (the beginning, and each time it was gone on with) that was
measured with ``--record-io``; the journal says where which begins.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from instruments.bench import Bench
from instruments.link import Exchanged
from qdlab.errors import RecordError
from qdlab.records import SessionWriter
from qdlab.records.layout import TRAFFIC_KEPT
from qdlab.records.run import read_portions
from qdlab.records.run_file import MAXIMUM_LINE, read_json

FOLDER = "io"

_log = logging.getLogger(__name__)


@contextmanager
def traffic_kept(bench: Bench, session: SessionWriter) -> Iterator[None]:
    """Keep in a session what goes to the boxes and comes from them.

    A disk that does not take it ends this log, never an exchange with a box.
    """
    folder = session.path / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        path = folder / f"{len(list(folder.iterdir())) + 1:04d}.jsonl"
        file = path.open("x", encoding="utf-8", newline="\n", buffering=1)
    except OSError as error:
        _log.warning("instrument traffic is not kept: %s", error)
        yield
        return
    with suppress(RecordError):
        session.journal("state", TRAFFIC_KEPT, file=f"{FOLDER}/{path.name}")

    def take(exchanged: Exchanged) -> None:
        if file.closed:
            return
        try:
            file.write(json.dumps(asdict(exchanged), ensure_ascii=False) + "\n")
        except OSError as error:
            _log.warning("instrument traffic is kept up to here only: %s", error)
            with suppress(OSError):
                file.close()

    bench.on_io = take
    try:
        yield
    finally:
        with suppress(OSError):
            file.close()


def read_traffic(file: Path) -> list[Exchanged]:
    """The messages of one file, in order; a last line torn by a crash is left out.

    Raises RecordError where a line is no message.
    """
    messages: list[Exchanged] = []
    rest = b""
    for data in read_portions(file):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            messages.append(_exchanged(line, f"{file}: line {len(messages) + 1}"))
        if len(rest) > 16 * MAXIMUM_LINE:
            raise RecordError(f"{file}: line {len(messages) + 1} is too long")
    return messages


def _exchanged(line: bytes, where: str) -> Exchanged:
    try:
        facts = read_json(line)
        time, box, direction, text = (facts[name] for name in ("time", "box", "direction", "text"))
        if direction not in ("in", "out", "note") or not isinstance(box, str) or not isinstance(text, str):
            raise ValueError(direction)
        return Exchanged(time=float(time), box=box, direction=direction, text=text)
    except (ValueError, KeyError, TypeError):
        raise RecordError(f"{where} is no message") from None
