"""Records: nothing acknowledged is lost, nothing torn is believed, nothing in a file is run, and it is quick.

Every zero is printed with its number of trials; zero failures in N mean fewer than 3/N at 95 % confidence.
"""

import itertools
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from benchmarks.records import campaigns, damage, faults, hostile, kills, peer, speed, trials, wire

Row = dict[str, str]


def measure(full: bool = False) -> list[Row]:
    """Every figure of the records; `full` takes every byte, every bit and all the trials, over an hour."""
    measures: list[Callable[[bool], list[Row]]] = [
        measure_speed,
        measure_damage,
        measure_rearrangements,
        measure_storage_errors,
        measure_campaigns,
        measure_kills,
        measure_wire_replay,
        measure_hostile_files,
    ]
    return [row for each in measures for row in each(full)]


def measure_speed(full: bool) -> list[Row]:
    """How fast rows are acknowledged, and a large session is checked, opened and replayed."""
    with _folder() as folder:
        taken = speed.acknowledged_rows(folder / "rows", 20_000 if full else 4_000)
        large = speed.measure_large_session(folder / "large", 100_000)
    p99, rate = np.percentile(taken, 99) * 1e3, 1 / taken.mean()
    return [
        _row("acknowledged rows per second, each synced", ">= 200", f"{rate:.0f} ({len(taken)} rows)"),
        _row("row acknowledged, p99", "<= 5 ms", f"{p99:.2f} ms, median {np.median(taken) * 1e3:.2f} ms"),
        _row("verify 10^5 rows", "< 2 s", f"{large['verify']:.2f} s"),
        _row("replay 10^5 rows headless", "< 2 s", f"{large['replay']:.2f} s"),
        _row("open a session of 10^5 rows to its first plot", "< 1 s", f"{large['first plot']:.2f} s"),
        _row("seek in a replay of 10^5 rows, longest of 50", "< 0.3 s", f"{large['seek']:.3f} s"),
    ]


def measure_damage(full: bool) -> list[Row]:
    """Truncations and bit flips of a closed and of an interrupted session."""
    rows = []
    for name, make in (("closed", trials.closed_session), ("interrupted", trials.interrupted_session)):
        with _folder() as folder:
            session = make(folder)
            cut = damage.truncations(session, step=1 if full else 20)
            row = _counted(f"truncations of a session ({name}) that changed a value", cut)
            rows.append(row | {"peer": peer.truncations(folder)} if name == "closed" else row)
            flipped = damage.bit_flips(session, step=1 if full else 167)
            rows.append(_counted(f"bit flips in a session ({name}) that changed a value", flipped))
    return rows


def measure_rearrangements(full: bool) -> list[Row]:
    """Lines and files removed, doubled, swapped, spliced: how many verify missed."""
    with _folder() as folder:
        session = trials.closed_session(folder / "one")
        stranger = trials.closed_session(folder / "two", identifier="another")
        found = (what if not seen else "" for what, seen in damage.rearrangements(session, stranger))
        return [_counted("rearranged and spliced lines that verify missed", found)]


def measure_storage_errors(full: bool) -> list[Row]:
    """A failing disk or a stop at every call the recorder makes."""
    with _folder() as folder:
        failing = _counted(
            "storage errors at any call that lost a row or claimed a false end",
            _failures(folder, step=1 if full else 3),
        )
    with _folder() as folder:
        repeats = 20 if full else 2
        stopping = _counted("stops and power cuts at any call that lost a row", _stops(folder, repeats))
    return [failing, stopping]


def measure_campaigns(full: bool) -> list[Row]:
    """Campaigns over 297 to 217 K stopped at a random call, power cut, and resumed (seed 6)."""
    random = Random(6)
    with _folder() as folder:
        calls, points = campaigns.whole_campaign(campaigns.LONG_SWEEP, folder / "whole")
        outcomes = [
            campaigns.stopped_and_resumed(
                campaigns.LONG_SWEEP, folder / str(trial), [random.randint(1, calls)], random
            )
            for trial in range(1000 if full else 10)
        ]
    return [
        _counted(
            "stopped campaigns that resumed to other final points, or lost or damaged something",
            (str(one) if one.points != points or one.lost or one.findings else "" for one in outcomes),
        ),
        _row(
            "points measured twice in a resumed campaign, most",
            "<= 1",
            str(max(o.repeated for o in outcomes)),
        ),
    ]


def measure_kills(full: bool) -> list[Row]:
    """`kill -9` of the runner behind `qdlab run`, in processes of their own (seed 30)."""
    random = Random(30)
    with _folder() as folder:
        events, points = kills.uninterrupted(folder / "whole")
        outcomes = (
            kills.killed_and_resumed(folder / str(trial), points, random, events)
            for trial in range(30 if full else 2)
        )
        return [
            _counted(
                "runners killed twice whose session lost a row, or resumed or replayed differently", outcomes
            )
        ]


def measure_wire_replay(full: bool) -> list[Row]:
    """Every fault of the catalogue at every box, recorded and fed to the drivers again."""
    with _folder() as folder:
        outcomes = wire.replayed_faults(folder, step=1 if full else 10)
        return [_counted("disturbed campaigns whose traffic, replayed, came out differently", outcomes)]


def measure_hostile_files(full: bool) -> list[Row]:
    """The corpus, and mutated sessions (seed 1)."""
    with _folder() as folder:
        hostile.load_everything(folder / "warm")
        large = 1_000_000_000 if full else 20_000_000
        cases = (
            "; ".join(f"{name}: {wrong}" for wrong in hostile.try_case(path))
            for name, path in hostile.corpus(folder / "corpus", large=large)
        )
        corpus = _counted("hostile files that ran something, took over 2 s or 256 MB", cases)
        wrong = hostile.mutations(folder / "mutations", 100_000 if full else 600, seed=1)
        mutated = _counted("mutated sessions that did", ("; ".join(each) for each in wrong))
    return [corpus, mutated]


def _failures(folder: Path, step: int) -> Iterator[str]:
    """Every `step`-th trial of every error, for a while or for good, at every call."""
    calls = range(1, faults.calls_of_a_session(folder / "whole") + 1)
    trials = list(itertools.product(faults.STORAGE_ERRORS, (False, True), calls))
    for error, for_good, at in trials[::step]:
        disk = faults.FailingDisk(at=at, error=error, for_good=for_good)
        outcome = faults.record_on(disk, folder / f"{error}-{for_good}-{at}")
        wrong = faults.violations(outcome) + ([] if faults.was_told(outcome) else ["nobody was told"])
        yield "; ".join(wrong)


def _stops(folder: Path, repeats: int) -> Iterator[str]:
    random = Random(20261122)
    calls = faults.calls_of_a_session(folder / "whole")
    for repeat in range(repeats):
        for at in range(1, calls + 1):
            disk = faults.StoppingDisk(at=at)
            outcome = faults.record_on(disk, folder / f"{repeat}-{at}")
            if repeat:
                disk.cut_power(random)
            yield "; ".join(faults.violations(outcome))


def _counted(figure: str, outcomes: Iterable[str]) -> Row:
    """How many outcomes tell of something wrong, of how many."""
    told = list(outcomes)
    wrong = [outcome for outcome in told if outcome]
    bound = f" (< {3 / len(told):.1g} at 95 %)" if len(told) > 3 else ""
    first = f"; first: {wrong[0]}" if wrong else bound
    return _row(figure, "0", f"{len(wrong)} of {len(told)}{first}")


def _row(figure: str, goal: str, measured: str, **more: Any) -> Row:
    return {"figure": figure, "goal": goal, "measured": measured, "peer": "", **more}


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="qdlab-records-") as folder:
        yield Path(folder)
