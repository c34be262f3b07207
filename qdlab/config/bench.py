"""Bench files: the boxes by role, how their links are set, and what the bench allows."""

from typing import Literal, Self

from pydantic import Field, model_validator

from instruments.driver import HeaterEnd
from instruments.roles import BurstPolicy
from qdlab.config.fields import Duration, Kelvins, KelvinsPerSecond, Strict
from qdlab.config.limits import LimitsConfig

Role = Literal["source_meter", "pulse_generator", "light_meter", "temperature_controller"]


class InstrumentConfig(Strict):
    """One box of a bench: which driver, where it answers, how its link is set.

    `bursts` is for a pulse generator: counted bursts end by themselves, should the computer die. "require"
    (where left out) refuses a box that does not take them, "prefer" and "never" let it pulse freely.
    """

    driver: str
    resource: str
    serial: str | None = None
    read_termination: str = "\n"
    write_termination: str = "\n"
    baud_rate: int | None = Field(default=None, ge=50, le=1_000_000)
    data_bits: Literal[7, 8] | None = None
    parity: Literal["none", "odd", "even"] | None = None
    flow_control: Literal["none", "xon_xoff", "rts_cts"] | None = None
    gpib_address: int | None = Field(default=None, ge=0, le=30)
    bursts: BurstPolicy | None = None


class HeaterConfig(Strict):
    """What becomes of the heater when a session ends or fails; it is never cut without a word."""

    at_end: Literal["hold", "ramp", "off"] = "ramp"
    room_temperature: Kelvins = 297.0
    ramp_rate: KelvinsPerSecond = 0.1

    def to_end(self) -> HeaterEnd:
        """What the controller is told at a safe end."""
        return HeaterEnd(policy=self.at_end, temperature=self.room_temperature, rate=self.ramp_rate)


class BenchConfig(Strict):
    """The instruments of a bench by role, and what the bench allows.

    `line_frequency` is that of the building's mains [Hz]: integration times are counted in its periods.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")
    kind: Literal["simulation", "hardware"] = "hardware"
    limits: LimitsConfig = LimitsConfig()
    heater: HeaterConfig = HeaterConfig()
    instruments: dict[Role, InstrumentConfig] = Field(default_factory=dict)
    warm_up: Duration = 0.0
    line_frequency: Literal[50, 60] = 50
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _only_generators_pulse(self) -> Self:
        for role, box in self.instruments.items():
            if box.bursts is not None and role != "pulse_generator":
                raise ValueError(f"instruments.{role}.bursts is for the pulse generator only; leave it out")
        return self

    @model_validator(mode="after")
    def _hardware_has_instruments(self) -> Self:
        if self.kind == "hardware" and not self.instruments:
            raise ValueError("a hardware bench needs at least one table [instruments.ROLE]")
        return self


SIMULATED_BENCH = BenchConfig(name="sim", kind="simulation")
