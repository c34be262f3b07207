"""The bench: does anything leave that must not, is any reply taken for another's, what do we cost a point.

The witness is the simulated box: what its outputs do, not what our programs believe.
"""

import random
import statistics
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from instruments.bench import Bench, arming_token
from instruments.driver import Driver
from instruments.errors import InstrumentError
from instruments.limits import Envelope
from qdlab.config.bench import BenchConfig
from qdlab.hardware import open_bench
from qdlab.simulators import open_simulated_bench
from sim_instruments.clock import RealClock
from sim_instruments.faults import Fault, FaultyLine, FaultyStation
from sim_instruments.fuzzing import random_message
from sim_instruments.tcp import TCPDoor
from sim_instruments.wiring import SimBench

ENVELOPE = Envelope(
    maximum_voltage=5.0,
    maximum_current=0.01,
    maximum_duty_cycle=0.1,
    minimum_temperature=200.0,
    maximum_temperature=310.0,
    maximum_temperature_rate=0.1,
)
SOURCE_ERROR = 0.02  # V by which a calibrated source may miss its level

REPLY_FAULTS = (
    *("late_reply", "lost_reply", "truncated_reply", "split_reply", "doubled_reply", "merged_reply"),
    *("noise_before_reply", "stale_reply", "empty_reply", "null_bytes", "high_bits", "foreign_reply"),
    *("unasked_reply", "lost_message", "connection_reset", "stray_carriage_return"),
)
"""Transient faults of a link, each of which one can live through."""


def measure(full: bool = False) -> list[dict[str, str]]:
    """Rows of the benchmark table."""
    calls, queries, each = (100_000, 100_000, 200) if full else (5_000, 5_000, 10)
    tried = try_random_calls(calls, seed=1)
    asked = ask_under_faults(queries, rate=0.1, seed=2)
    over_tcp = ask_over_tcp(500 if full else 40, rate=0.1, seed=4)
    healed, faults = heal_single_faults(each, seed=3)
    overhead = overhead_per_point(points=500)
    ours, box = sweep_times()
    return [
        _row(
            f"{calls} random driver calls and raw messages: outside the envelope / switched on unarmed",
            "0 / 0",
            f"{len(tried.outside)} / {len(tried.unarmed)} "
            f"({tried.refused} refused, outputs went on {tried.energised} times, "
            f"one was on at {tried.while_on} calls)",
        ),
        _row(
            f"{queries} queries, 10 % of them disturbed: replies taken for another's",
            "0",
            f"{asked['mispaired']} ({asked['right']} right, {asked['refused']} refused, "
            f"{asked['damaged']} with a damaged digit)",
        ),
        _row(
            f"the same over TCP, {over_tcp.total()} queries",
            "0",
            f"{over_tcp['mispaired']} ({over_tcp['right']} right, {over_tcp['refused']} refused)",
        ),
        _row(
            "single transient faults healed without a person", "99.5 %", f"{healed / faults:.2%} of {faults}"
        ),
        _row("our own time for a point of a J-V, in-process", "2 ms", f"{overhead * 1e3:.2f} ms median"),
        _row(
            "hardware sweep of 100 points at NPLC 0.1, over the box's own time",
            "1.10",
            f"{ours / box:.3f}",
        ),
    ]


def _row(figure: str, goal: str, measured: str) -> dict[str, str]:
    return {"figure": figure, "goal": goal, "measured": measured, "peer": ""}


# --- nothing leaves that must not --------------------------------------------------------------------


@dataclass(kw_only=True)
class Tried:
    """What became of random calls.

    outside : states of a box that break the envelope
    unarmed : outputs that went on without a token
    energised : how often an output went on
    refused, sent : calls
    """

    outside: list[str] = field(default_factory=list)
    unarmed: list[str] = field(default_factory=list)
    energised: int = 0  # times that an output went on
    while_on: int = 0  # calls made while one was
    refused: int = 0
    sent: int = 0


def try_random_calls(count: int, *, seed: int) -> Tried:
    """Call drivers with random values and send random messages, watching the simulated boxes."""
    chance, tried = random.Random(seed), Tried()
    bench = open_simulated_bench(seed=seed, envelope=ENVELOPE)
    bench.set_up()
    watch(bench, tried)
    for _ in range(count):
        if chance.random() < 0.05:
            _arm_or_not(bench, chance)
        description = "?"
        tried.while_on += any(_outputs_on(bench))
        try:
            description = _random_call(bench, chance)
            tried.sent += 1
        except (InstrumentError, ValueError, TypeError):
            tried.refused += 1
        tried.outside += [f"{description}: {sentence}" for sentence in breaches(bench)]
    bench.close()
    return tried


def watch(bench: Bench, tried: Tried) -> None:
    """Note every output that goes on while nothing is armed."""
    was_on: dict[str, bool] = {}

    def witness(box: Any, on: bool, volts: float) -> None:
        if on and not was_on.get(box.name, False):
            tried.energised += 1
            if not bench.armed:
                tried.unarmed.append(f"{box.name} on at {volts:g} V")
        was_on[box.name] = on

    for box in bench.simulation.boxes.values():
        box.witness = witness


def _outputs_on(bench: Bench) -> list[bool]:
    simulation = bench.simulation
    return [simulation.keithley2400.is_on, *(one.on for one in simulation.mfg2230m.channels.values())]


def breaches(bench: Bench) -> list[str]:
    """What the simulated boxes do that the envelope forbids."""
    found = []
    source, channels = bench.simulation.keithley2400, bench.simulation.mfg2230m.channels
    if source.is_on and abs(source.true_level()) > ENVELOPE.maximum_voltage + SOURCE_ERROR:
        found.append(f"2400 at {source.true_level():g} V")
    if source.is_on and source.limit()[0] > ENVELOPE.maximum_current * 1.001:
        found.append(f"2400 lets {source.limit()[0]:g} A through")
    if source.is_on and source.sourced != "VOLT":
        found.append("2400 sources a current")
    for number, channel in channels.items():
        if not channel.on:
            continue
        pulses = channel.waveform()
        if max(abs(pulses.low), abs(pulses.high)) > ENVELOPE.maximum_voltage * 1.001:
            found.append(f"generator {number} between {pulses.low:g} and {pulses.high:g} V")
        if pulses.shape != "pulse" or pulses.width / pulses.period > ENVELOPE.maximum_duty_cycle * 1.001:
            found.append(f"generator {number}: duty cycle {pulses.width / pulses.period:g}")
        if number != 1:
            found.append(f"generator {number} is on")
    setpoint = bench.simulation.cryostat.settings.setpoint
    if not ENVELOPE.minimum_temperature <= setpoint <= ENVELOPE.maximum_temperature:
        found.append(f"set point at {setpoint:g} K")
    return found


def _arm_or_not(bench: Bench, chance: random.Random) -> None:
    """Armed or not; what is disarmed is switched off, as the runner does."""
    if chance.random() < 0.8:
        bench.arm(token=arming_token("trial"))
    else:
        bench.safe()


def _random_call(bench: Bench, chance: random.Random) -> str:
    """One call; gives its description."""
    role = chance.choice(list(bench.stations))
    station, driver = bench.stations[role], bench.stations[role].driver
    kind = chance.random()
    if kind < 0.4:
        message = random_message(bench.simulation.roles[role], chance).decode("latin-1")
        if "?" in message:
            driver.ask(message)
        else:
            driver.write(message)
        return f"{role} {message!r}"
    if kind < 0.44:
        driver.off()
        return f"{role} off"
    if kind < 0.54 and role in ENERGISED:
        return ENERGISED[role](driver)
    call, arguments = _random_method(role, chance)
    if callable(getattr(type(driver), call, None)):
        getattr(driver, call)(**arguments)
    else:
        setattr(driver, call, arguments["value"])
    return f"{station.door.box} {call} {arguments}"


def _source_a_volt(driver: Any) -> str:
    driver.configure(compliance_current=1e-3, maximum_voltage=5.0)
    driver.voltage = 1.0
    driver.switch_on()
    return "2400 on at 1 V"


def _pulse_four_volts(driver: Any) -> str:
    driver.configure_pulse(pulse_amplitude=4.0, pulse_width=5e-5, pulse_period=1e-3)
    driver.switch_on()
    return "generator on at 4 V"


ENERGISED = {"source_meter": _source_a_volt, "pulse_generator": _pulse_four_volts}
"""What a procedure does before it measures: calls to a box whose output is off can hardly do harm."""


def _random_method(role: str, chance: random.Random) -> tuple[str, dict[str, Any]]:

    def volts() -> float:
        return chance.choice((0.0, 1.0, 3.0, 4.0, 4.9, 5.0, 5.1, -5.0, -6.0, 12.0, 210.0, float("nan")))

    def seconds() -> float:
        return 10 ** chance.uniform(-6, -2.5)

    def kelvins() -> float:
        return chance.choice((150.0, 200.0, 217.0, 297.0, 310.0, 311.0, 390.0))

    methods: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "source_meter": [
            ("voltage", {"value": volts()}),
            ("output_on", {"value": chance.random() < 0.7}),
            ("auto_off", {"value": chance.random() < 0.5}),
            ("source_mode", {"value": chance.choice(("FIX", "LIST", "SWE"))}),
            ("compliance_current", {"value": chance.choice((1e-5, 1e-3, 0.01, 0.011, 0.5))}),
            ("sweep_start", {"value": volts()}),
            ("sweep_stop", {"value": volts()}),
            ("source_range", {"value": chance.choice((0.2, 2.0, 20.0, 200.0))}),
            ("read_point", {}),
            ("switch_on", {}),
            ("sweep", {"voltages": [volts() for _ in range(3)], "settling_time": 0.01}),
            ("configure", {"compliance_current": 0.01, "maximum_voltage": chance.choice((5.0, 20.0))}),
            ("set_up", {}),
        ],
        "pulse_generator": [
            (
                "configure_pulse",
                {"pulse_amplitude": volts(), "pulse_width": seconds() / 10, "pulse_period": seconds()},
            ),
            ("configure_pulse", {"pulse_amplitude": 4.0, "pulse_width": 5e-5, "pulse_period": 1e-3}),
            ("amplitude", {"value": volts()}),
            ("offset", {"value": volts()}),
            ("set_pulse_width", {"pulse_width": seconds()}),
            ("pulse_period", {"value": seconds()}),
            ("switch_on", {}),
            ("output_on", {"value": True}),
            ("switch_on", {}),
            ("start_burst", {"pulses": chance.choice((1, 50, 65535, 70000))}),
            ("set_up", {}),
        ],
        "light_meter": [
            ("configure", {"current_range": 2e-7, "power_line_cycles": 0.1}),
            ("read_light", {}),
            ("set_up", {}),
        ],
        "temperature_controller": [
            ("ramp_to", {"temperature": kelvins(), "rate": chance.choice((0.05, 0.1, 0.5))}),
            ("setpoint", {"value": kelvins()}),
            ("heater_range", {"value": chance.choice((0, 1, 3))}),
            ("ramp", {"value": (chance.random() < 0.5, chance.choice((0.0, 0.05, 1.0)))}),
            ("set_up", {}),
        ],
    }
    return chance.choice(methods[role])


# --- no reply is taken for another's -----------------------------------------------------------------

KNOWN: dict[str, dict[str, float]] = {
    "source_meter": {
        "compliance_current": 1.5e-3,
        "power_line_cycles": 0.25,
        "source_delay": 0.125,
        "filter_count": 7,
        "sweep_points": 33,
        "trigger_count": 12,
        "sweep_start": 0.75,
        "sweep_stop": 3.5,
    },
    "pulse_generator": {"amplitude": 4.0, "offset": 2.0, "pulse_period": 1e-3, "pulse_width": 5e-5},
    "temperature_controller": {"setpoint": 250.0, "ramp_rate": 0.05, "stage_limit": 325.0, "heater_range": 3},
}
"""Questions to each box whose answers are all different and known beforehand."""


class Questioned:
    """A bench on which one box is asked what is known, over a line that may be disturbed."""

    def __init__(self, role: Any, *, seed: int) -> None:
        self.bench = open_simulated_bench(seed=seed)
        self.bench.set_up()
        self._driver = self.bench.stations[role].driver
        simulation = self.bench.simulation
        self.line = simulation.lines[simulation.roles[role].name]
        self.known = KNOWN[role]
        if role == "temperature_controller":
            self._driver.write("RAMP 1,0,3.0")
            self._driver.write("SETP 1,250")
            self._driver.write("RAMP 1,1,3.0")
            self.bench.clock.wait(1.0)
        else:
            for name, value in self.known.items():
                setattr(self._driver, name, value)

    def ask(self, name: str) -> str:
        """What became of one question."""
        return judged(self._driver, name, self.known)


def judged(driver: Driver, name: str, known: Mapping[str, float]) -> str:
    """What became of one question: "right", "refused", "mispaired", or "damaged" in a digit."""
    try:
        answer = getattr(driver, name)
    except InstrumentError:
        return "refused"
    if abs(answer - known[name]) < 1e-6:
        return "right"
    others = [value for other, value in known.items() if other != name]
    return "mispaired" if any(abs(answer - value) < 1e-6 for value in others) else "damaged"


def ask_under_faults(count: int, *, rate: float, seed: int) -> Counter[str]:
    """Ask known questions while that share of messages is disturbed; how many answers were whose."""
    chance, outcome = random.Random(seed), Counter[str]()
    for role in KNOWN:
        questioned = Questioned(role, seed=seed)
        for _ in range(count // len(KNOWN)):
            if chance.random() < rate:
                questioned.line.add(Fault(chance.choice((*REPLY_FAULTS, "garbled_reply")), matching=rb"\?"))
            outcome[questioned.ask(chance.choice(list(questioned.known)))] += 1
    return outcome


def ask_over_tcp(count: int, *, rate: float, seed: int) -> Counter[str]:
    """The same over a real socket, in real time; late replies come among those to later questions."""
    chance, outcome = random.Random(seed), Counter[str]()
    sim = SimBench(seed=seed, clock=RealClock())
    line = FaultyLine(sim.keithley2400, bench=sim, seed=seed)
    station = FaultyStation(sim.keithley2400, bench=threading.RLock(), line=line)
    door = TCPDoor(station)
    known = KNOWN["source_meter"]
    bench = open_bench(
        BenchConfig.model_validate(
            {
                "name": "trial",
                "instruments": {"source_meter": {"driver": "keithley2400", "resource": door.resource}},
            }
        )
    )
    try:
        driver: Any = bench.source_meter
        driver.set_up()
        for name, value in known.items():
            setattr(driver, name, value)
        driver.adapter.line.timeout = 0.3
        for _ in range(count):
            if chance.random() < rate:
                kind = chance.choice(REPLY_FAULTS)
                line.add(Fault(kind, matching=rb"\?", amount=0.5 if kind == "late_reply" else None))
            outcome[judged(driver, chance.choice(list(known)), known)] += 1
    finally:
        line.clear()
        bench.close()
        door.close()
        station.close()
    return outcome


def heal_single_faults(each: int, *, seed: int) -> tuple[int, int]:
    """Disturb one of many questions by each kind of transient fault: how many were answered, of how many."""
    healed = faults = 0
    for role in KNOWN:
        questioned = Questioned(role, seed=seed)
        for kind in REPLY_FAULTS * each:
            questioned.line.add(Fault(kind, matching=rb"\?"))
            healed += all(questioned.ask(name) == "right" for name in questioned.known)
            faults += 1
            questioned.line.clear()
    return healed, faults


# --- what we cost ------------------------------------------------------------------------------------


def overhead_per_point(*, points: int) -> float:
    """Median time of the computer for setting and reading one point, physics and box included [s]."""
    bench = open_simulated_bench(seed=1)
    bench.set_up()
    bench.arm(token=arming_token("benchmark"))
    source = bench.source_meter
    assert source is not None
    source.configure(compliance_current=0.01, maximum_voltage=8.0)
    source.switch_on()
    durations = []
    for index in range(points):
        begin = time.perf_counter()
        source.voltage = 5.0 * index / points
        source.read_point()
        durations.append(time.perf_counter() - begin)
    bench.close()
    return statistics.median(durations)


def sweep_times() -> tuple[float, float]:
    """A hardware sweep of 100 points at NPLC 0.1: bench time in all, and what the box itself needs [s]."""
    bench = open_simulated_bench(seed=1)
    bench.set_up()
    bench.arm(token=arming_token("benchmark"))
    source: Any = bench.source_meter
    source.configure(compliance_current=0.01, maximum_voltage=8.0, power_line_cycles=0.1)
    begin = bench.clock.monotonic()
    readings = source.sweep_linear(0.0, 5.0, 100, settling_time=0.01)
    ours = bench.clock.monotonic() - begin
    box = (readings[-1].instrument_time - readings[0].instrument_time) * 100 / 99
    bench.close()
    return ours, box
