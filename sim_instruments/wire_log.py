"""What crossed the doors, and when outputs changed: one JSON object a line, written as it happens."""

import json
import threading
from pathlib import Path
from typing import TextIO

from sim_instruments.clock import Clock
from sim_instruments.scpi import ScpiBox


class WireLog:
    """The witness of a bench; safe to call from several threads.

    Messages are ``{"t": s, "box": ..., "door": ..., "dir": "in" | "out", "bytes": "..."}``, changes of an
    output ``{"t": s, "box": ..., "output": true | false, "volts": V}``. Bytes are written as Latin-1 text.

    Parameters
    ----------
    target : file to append to, or an open text stream
    clock : the bench's clock, for `t`
    """

    def __init__(self, target: Path | TextIO, *, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._owned = isinstance(target, Path)
        self._stream: TextIO = (
            target.open("a", encoding="utf-8", newline="\n") if isinstance(target, Path) else target
        )

    def message(self, box: ScpiBox, door: str, direction: str, data: bytes) -> None:
        """Note one message, "in" to the box or "out" of it, without its terminator."""
        self._write({"box": box.name, "door": door, "dir": direction, "bytes": data.decode("latin-1")})

    def output(self, box: ScpiBox, on: bool, volts: float) -> None:
        """Note a change of an output; fits `ScpiBox.witness`."""
        self._write({"box": box.name, "output": on, "volts": volts})

    def close(self) -> None:
        """Close the file, if it was opened here."""
        with self._lock:
            if self._owned and not self._stream.closed:
                self._stream.close()

    def _write(self, entry: dict[str, object]) -> None:
        line = json.dumps({"t": round(self._clock.monotonic(), 6), **entry}) + "\n"
        with self._lock:
            if not self._stream.closed:
                self._stream.write(line)
                self._stream.flush()
