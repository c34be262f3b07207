"""The drivers by name, and a box put together: its line on a bus, its Door, its driver."""

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any

from instruments.bench import Station
from instruments.door import Door
from instruments.driver import Driver
from instruments.keithley2400 import Keithley2400
from instruments.keithley6514 import Keithley6514
from instruments.lakeshore336 import LakeShore336
from instruments.link import Line, Link
from instruments.mfg2230m import MFG2230M
from instruments.roles import Transport

DRIVERS: Mapping[str, type[Driver]] = {
    "keithley2400": Keithley2400,
    "keithley6514": Keithley6514,
    "mfg2230m": MFG2230M,
    "lakeshore336": LakeShore336,
}


def driver_named(name: str) -> type[Driver]:
    """The driver of this name: one of ours, or one that a package offers as entry point `qdlab.instruments`.

    Raises ValueError, naming those there are.
    """
    if name in DRIVERS:
        return DRIVERS[name]
    offered = {point.name: point for point in entry_points(group="qdlab.instruments")}
    if name in offered:
        return offered[name].load()
    raise ValueError(f"no driver {name!r}; there are {', '.join([*DRIVERS, *offered])}")


def open_station(
    driver_name: str,
    *,
    link: Link,
    connect: Callable[[], Transport],
    serial_number: str | None = None,
    timeout: float = 2.0,
    line_frequency: int = 50,
    driver_settings: Mapping[str, Any] | None = None,
    **reach: Any,
) -> Station:
    """A box on a bus behind its Door; nothing is said to it yet.

    Parameters
    ----------
    driver_name : as in a bench file
    link : its bus
    connect : opens its transport
    serial_number : that it must have; None takes the first one met
    timeout : usual longest wait for a reply [s]
    line_frequency : of the building's mains [Hz]
    driver_settings : arguments of the driver beside its adapter
    reach : how a guardian reaches it, see `Station`
    """
    driver = driver_named(driver_name)
    line = Line(
        link,
        driver.MODELS[0],
        connect,
        timeout=timeout,
        models=driver.MODELS,
        serial=serial_number,
        tagged=driver.TAGGED,
    )
    door = Door(line, headers=driver.HEADERS, reset_state=driver.RESET_STATE, off=driver.OFF)
    make: Callable[..., Driver] = driver
    instrument = make(door, **(driver_settings or {}))
    instrument.line_frequency = line_frequency
    return Station(driver=instrument, door=door, settings=dict(driver_settings or {}), **reach)
