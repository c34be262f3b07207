"""A driver of one's own: a temperature controller that speaks a few words of SCPI, rates in K/min."""

from dataclasses import dataclass

from instruments.door import Shadow, control, error, number, query, switch
from instruments.driver import Driver, read_number
from instruments.limits import Demand


@dataclass(frozen=True, kw_only=True)
class Believed(Shadow):  # what the box is set to: held against the limits before anything is sent
    heat: bool | None = None
    setpoint: float | None = None
    rate: float | None = None
    energised = property(lambda self: self.heat is not False)

    def demand(self) -> Demand:
        return Demand(temperature=self.setpoint, temperature_rate=(self.rate or float("nan")) / 60)


class MyController(Driver):
    MODELS, RESET_STATE = ("TC1",), Believed(heat=False)
    OFF, OFF_QUERY, OFF_ANSWER, OFF_WORD = ("HEAT 0",), "HEAT?", "0", "heater OFF"
    HEADERS = (  # everything the driver may send
        *(query(name, replies=number) for name in ("STAGE", "SAMPLE", "POWER")),
        *(control(name, number, replies=number, changes=name.lower()) for name in ("SETPOINT", "RATE")),
        query(":SYSTem:ERRor", replies=error),
        control("HEAT", switch, replies=switch, changes="heat", switches=True),
    )
    stage_temperature = property(lambda self: read_number(self.ask("STAGE?")))
    sample_temperature = property(lambda self: read_number(self.ask("SAMPLE?")))
    setpoint = property(lambda self: read_number(self.ask("SETPOINT?")))
    heater_output = property(lambda self: read_number(self.ask("POWER?")) / 100)

    def set_up(self) -> None:
        self.write("*CLS")

    def ramp_to(self, temperature: float, *, rate: float) -> None:
        self.write(f"RATE {rate * 60:g};:SETPOINT {temperature:g};:HEAT 1")
