"""Reaching a temperature, with what is said about it, and going home from it."""

from collections.abc import Callable

from instruments.bench import ArmingToken, Bench
from instruments.roles import Clock
from procedures.temperature_sweep import settle
from qdlab.campaign.reporting import Reporter
from qdlab.config import TemperatureSweepStep
from qdlab.control import Stopped
from qdlab.errors import ConfigError

PATIENCE = 10
"""Time-outs that the policy "wait" sits through before it gives a temperature up [1]."""

HOME = 1.0
"""Distance from the end temperature at which a stage counts as warm [K]."""


class ProbeCurrent:
    """A small current through the device, one short reading at a low voltage: has it settled too?"""

    compliance_current = 1e-3  # [A]

    def __init__(self, bench: Bench, *, voltage: float, arm: Callable[[str], ArmingToken]) -> None:
        self._bench, self._voltage, self._arm = bench, voltage, arm

    def __call__(self) -> float:
        """Current at the probe voltage [A]; the output is on for this reading only."""
        source = self._bench.source_meter
        if source is None:
            raise ConfigError("a probe current needs a source meter; the bench has none")
        source.configure(compliance_current=self.compliance_current, maximum_voltage=abs(self._voltage))
        self._bench.arm(token=self._arm("probe current"))
        try:
            source.voltage = self._voltage
            source.switch_on()
            return source.read_point().current
        finally:
            source.off()
            self._bench.disarm()


def reach(
    step: TemperatureSweepStep,
    setpoint: float,
    *,
    bench: Bench,
    clock: Clock,
    reporter: Reporter,
    probe: ProbeCurrent | None,
    between: Callable[[], None],
) -> bool:
    """Ramp and settle; false where the policy says to go on without this temperature.

    Raises
    ------
    Stopped : it was not reached, and the policy says to stop
    """
    controller = bench.temperature_controller
    if controller is None:
        raise ConfigError("a temperature sweep needs a temperature controller; the bench has none")
    patience = PATIENCE if step.on_timeout == "wait" else 1
    for _ in range(patience):
        for settling in settle(controller, clock, step.rule, setpoint, ramp_rate=step.ramp_rate, probe=probe):
            reporter.say(str(settling))
            reporter.telemetry()
            between()
            if settling.phase == "stable":
                stage = settling.stage_temperature
                reporter.journal("state", f"stable at {setpoint:g} K", stage_temperature=stage)
                return True
    words = f"{setpoint:g} K was not reached within {step.timeout * patience:g} s"
    if step.on_timeout == "stop":
        raise Stopped(words)
    reporter.journal("warning", f"{words}: skipped", interlock="temperature")
    return False


def warm_up(step: TemperatureSweepStep, bench: Bench, clock: Clock, reporter: Reporter) -> None:
    """Back to room temperature, so that nobody opens a cold stage."""
    controller = bench.temperature_controller
    assert controller is not None
    distance = abs(step.end_temperature - controller.stage_temperature)
    if distance < HOME:
        return
    reporter.say(f"going back to {step.end_temperature:g} K")
    controller.ramp_to(step.end_temperature, rate=step.ramp_rate)
    deadline = clock.monotonic() + distance / step.ramp_rate + step.timeout
    while not abs(controller.stage_temperature - step.end_temperature) <= HOME:
        if clock.monotonic() > deadline:
            reporter.journal(
                "warning", f"{step.end_temperature:g} K was not reached: the stage may still be cold"
            )
            return
        clock.wait(step.interval)
        reporter.telemetry()
