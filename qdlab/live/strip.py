"""Temperature readings along a session of any length, in memory that does not grow with it.

The newest readings are kept as they came. Of older ones, each stretch of time keeps its first and last and
those with the lowest and the highest value of every quantity: a spike is never hidden, and nothing stands
there that was not read. The stretches double in length whenever there are too many of them. Files and
analysis have every reading; this is for the eye.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from analysis.curves import FloatArray
from qdlab.live.growing import Growing

RECENT = 3600  # newest readings kept in full: at least so many, at most twice as many
STRETCHES = 400  # of older ones, at most
SHORTEST = 8.0  # [s]; stretches are this times a power of two, so that longer ones join whole shorter ones


class Reading(NamedTuple):
    """Time [s], temperatures [K] and heater output [1]; NaN where one was not told."""

    time: float
    setpoint: float
    stage: float
    sample: float
    heater: float


PER_STRETCH = 2 * len(Reading._fields)


@dataclass(frozen=True, kw_only=True)
class Strip:
    """Readings in the order they came, older ones thinned out."""

    older: tuple[Reading, ...] = ()
    recent: Growing[Reading] = field(default_factory=Growing)

    def __len__(self) -> int:
        return len(self.older) + len(self.recent)

    def appended(self, reading: Reading) -> "Strip":
        """The strip with one more reading; amortised constant time."""
        recent = self.recent.appended(reading)
        if len(recent) < 2 * RECENT:
            return Strip(older=self.older, recent=recent)
        return Strip(older=thinned_out((*self.older, *recent[:RECENT])), recent=Growing(recent[RECENT:]))

    def columns(self) -> FloatArray:
        """(5, n) the readings' quantities, in the order of `Reading`."""
        return np.array([*self.older, *self.recent], dtype=float).reshape(-1, len(Reading._fields)).T


def thinned_out(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """At most `PER_STRETCH` of each of at most `STRETCHES` equal stretches of time, extremes included."""
    table = np.array(readings, dtype=float)
    since = table[:, 0] - table[:, 0].min()
    length = SHORTEST
    while since.max() / length >= STRETCHES:
        length *= 2
    stretch = np.floor(since / length).astype(int)
    kept: set[int] = set()
    for one in np.unique(stretch):
        places = np.flatnonzero(stretch == one)
        values = table[places, 1:]
        low = np.where(np.isnan(values), np.inf, values).argmin(axis=0)
        high = np.where(np.isnan(values), -np.inf, values).argmax(axis=0)
        kept |= {int(places[0]), int(places[-1]), *places[low].tolist(), *places[high].tolist()}
    return tuple(readings[place] for place in sorted(kept))
