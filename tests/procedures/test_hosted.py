"""A plain PyMeasure procedure, as anybody might write it, under our runner."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pymeasure.experiment import (
    BooleanParameter,
    FloatParameter,
    IntegerParameter,
    ListParameter,
    Procedure,
    VectorParameter,
)
from pymeasure.instruments.keithley import Keithley2400

from instruments.bench import Bench, arming_token
from instruments.errors import LimitError
from instruments.limits import Envelope
from procedures.base import ConnectedDevice, Row, Surroundings
from procedures.hosted import hosting
from qdlab.config import steps
from qdlab.simulators import open_simulated_bench

FILM = ConnectedDevice(identifier="li2024/hole-only/1", area=4e-6, thickness=110e-9)

Rows = list[tuple[Row, frozenset[str]]]


class Hold(Procedure):
    """Read the current at one voltage a few times."""

    source_meter = None

    voltage = FloatParameter("Voltage", units="V", default=1.0)
    compliance = FloatParameter("Compliance", units="mA", default=1.0)
    readings = IntegerParameter("Readings", default=3)
    reverse = BooleanParameter("Reverse", default=False)
    averages = ListParameter("Averages", choices=[1, 5, 10], default=1)

    DATA_COLUMNS = ["Reading", "Voltage (V)", "Current (A)"]

    def startup(self) -> None:
        self.source_meter.configure(
            compliance_current=self.compliance * 1e-3, maximum_voltage=10.0, filter_count=self.averages
        )
        self.source_meter.voltage = -self.voltage if self.reverse else self.voltage
        self.source_meter.switch_on()

    def execute(self) -> None:
        for index in range(self.readings):
            reading = self.source_meter.read_point()
            self.emit(
                "results",
                {
                    "Reading": np.int64(index),
                    "Voltage (V)": reading.voltage,
                    "Current (A)": np.float32(reading.current),
                },
            )
            self.emit("progress", 100 * (index + 1) / self.readings)
            if self.should_stop():
                return


def host(plain: type[Procedure], **more: Any) -> Rows:
    """Run it on a fresh bench, whose source meter is off at the end, and give what it recorded."""
    rows: Rows = []
    run_on(open_simulated_bench(seed=1), plain, rows, **more)
    return rows


def run_on(
    bench: Bench,
    plain: type[Procedure],
    rows: Rows,
    say: Callable[[str], None] = lambda text: None,
    should_stop: Callable[[], bool] = lambda: False,
    **parameters: Any,
) -> None:
    bench.set_up()
    bench.arm(token=arming_token("test"))
    procedure = hosting(plain, "plain")()
    procedure.set_parameters(parameters)
    procedure.attach(
        Surroundings(bench=bench, device=FILM, record=rows.extend, say=say, should_stop=should_stop)
    )
    try:
        procedure.run()
    finally:
        assert not bench.simulation.keithley2400.is_on


def column(rows: Rows, heading: str) -> list[float]:
    return [row[heading] for row, _ in rows]


def test_its_rows_are_recorded_and_the_output_is_off_though_it_never_says_so() -> None:
    rows = host(Hold, voltage=2.0, compliance=2.0, averages="5")
    assert column(rows, "Reading") == [0.0, 1.0, 2.0]
    assert column(rows, "Voltage (V)") == pytest.approx([2.0] * 3, abs=0.01)
    assert min(column(rows, "Current (A)")) > 1e-9
    assert column(rows, "Stage temperature (K)") == pytest.approx([297.0] * 3, abs=1.0)


def test_progress_is_shown_and_stop_is_heard() -> None:
    rows: Rows = []
    said: list[str] = []
    bench = open_simulated_bench(seed=1)
    run_on(bench, Hold, rows, say=said.append, should_stop=lambda: len(rows) == 2, readings=50)
    assert (len(rows), said) == (2, ["2 % done", "4 % done"])


def test_the_limits_hold_at_its_door_though_nobody_knew_what_it_would_ask_for() -> None:
    bench = open_simulated_bench(seed=1, envelope=Envelope(maximum_voltage=5.0))
    rows: Rows = []
    with pytest.raises(LimitError, match="exceeds maximum_voltage 5 V"):
        run_on(bench, Hold, rows, voltage=9.0)
    assert rows == []


def test_many_rows_may_come_together() -> None:
    class Batch(Hold):
        def execute(self) -> None:
            self.emit("batch results", {"Reading": [0, 1], "Current (A)": np.array([1e-6, 2e-6])})

    rows = host(Batch)
    assert column(rows, "Current (A)") == [1e-6, 2e-6]
    assert np.isnan(column(rows, "Voltage (V)")).all()


@pytest.mark.parametrize(
    ("record", "reason"),
    [({"Nothing": 1.0}, "none of its DATA_COLUMNS"), ({"Reading": "three"}, "more than numbers")],
)
def test_a_row_that_cannot_be_recorded_as_it_is_ends_the_run(record: Any, reason: str) -> None:
    class Odd(Hold):
        def execute(self) -> None:
            self.emit("results", record)

    with pytest.raises(ValueError, match=reason):
        host(Odd)


def test_it_cannot_connect_an_instrument_of_its_own() -> None:
    class OwnMeter(Hold):
        def startup(self) -> None:
            self.meter = Keithley2400("GPIB::24")

    with pytest.raises(LimitError, match="connects an instrument of its own, which would have no Door"):
        host(OwnMeter)
    with pytest.raises(Exception) as allowed_again:
        Keithley2400("nonsense")
    assert not isinstance(allowed_again.value, LimitError)


def test_outputs_go_off_before_its_own_shutdown_which_may_fail() -> None:
    seen: list[bool] = []

    class Clumsy(Hold):
        def execute(self) -> None:
            raise RuntimeError("planted")

        def shutdown(self) -> None:
            seen.append(self.source_meter.output_on)
            raise OSError("and again")

    with pytest.raises(OSError, match="and again"):
        host(Clumsy)
    assert seen == [False]


def test_what_its_own_shutdown_switches_on_is_off_again_at_the_end() -> None:
    class Ramps(Hold):
        def shutdown(self) -> None:
            self.source_meter.voltage = 0.0
            self.source_meter.switch_on()

    assert len(host(Ramps)) == 3


class Roleless(Procedure):
    """Asks for no instrument of the bench."""

    DATA_COLUMNS = ["Reading"]


def test_on_hardware_what_asks_for_none_of_the_bench_s_instruments_is_refused() -> None:
    assert hosting(Hold, "plain").why_not_on_hardware() == ""
    assert hosting(Roleless, "plain").why_not_on_hardware().startswith("it asks for none of the bench's")


def test_on_hardware_a_module_with_another_way_to_a_box_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import serial

    for item in (serial, serial.Serial):
        monkeypatch.setitem(globals(), "brought_along", item)
        reason = hosting(Hold, "plain").why_not_on_hardware()
        assert reason == "its module brings serial, which reaches boxes past their Doors"


class Both(Procedure):
    source_meter = pulse_generator = None
    DATA_COLUMNS = ["Reading"]


class Vectors(Procedure):
    vector = VectorParameter("Vector", default=[1, 2, 3])
    DATA_COLUMNS = ["Reading"]


class Undecided(Procedure):
    count = IntegerParameter("Count")
    DATA_COLUMNS = ["Reading"]


@pytest.mark.parametrize(
    ("plain", "reason"),
    [
        (Both, "both sources"),
        (Vectors, "'vector' is a VectorParameter"),
        (Undecided, "'count' has no default"),
        (type("Silent", (Procedure,), {}), "no DATA_COLUMNS"),
    ],
)
def test_what_cannot_stand_in_a_plan_is_not_hosted(plain: type[Procedure], reason: str) -> None:
    with pytest.raises((ValueError, TypeError), match=reason):
        hosting(plain, "plain")


@pytest.mark.parametrize("silence", [math.inf, math.nan, 0.0, -1.0])
def test_a_silence_without_an_end_would_blind_the_guardian(silence: float) -> None:
    quiet = type("Quiet", (Hold,), {"longest_silence": silence})
    with pytest.raises(ValueError, match="would never let the guardian act"):
        hosting(quiet, "quiet")


def test_a_package_offers_it_under_the_name_of_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        name, value = "hold", "mylab.hold:Hold"

        def load(self) -> type[Procedure]:
            return Hold

    monkeypatch.setattr(steps, "entry_points", lambda group: [Entry()])
    hosted = steps.known_procedures()[-1]
    assert (hosted.kind, hosted.source, hosted.resumable) == ("hold", "source_meter", False)
    step = steps.procedure_step(hosted).model_validate(
        {"kind": "hold", "voltage": "500 mV", "averages": "10"}
    )
    assert step.make().values()["voltage"] == 0.5
