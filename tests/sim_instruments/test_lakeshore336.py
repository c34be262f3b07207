"""The temperature controller's dialect, and what it does to the cold finger."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim_instruments.clock import SimClock
from sim_instruments.cryostat import Cryostat, CryostatSpec
from sim_instruments.fuzzing import Judge, random_message
from sim_instruments.lakeshore336 import Lakeshore335, Lakeshore336


class Controller:
    """A controller on a cold finger."""

    def __init__(self, model: type[Lakeshore336] = Lakeshore336, *, noise: bool = False) -> None:
        self.clock = SimClock()
        self.cryostat = Cryostat(clock=self.clock, noise=noise)
        self.box = model(clock=self.clock, cryostat=self.cryostat)
        self.send("*CLS")

    def send(self, message: str) -> str:
        reply = self.box.receive(message.encode())
        return "" if reply is None else reply.decode()


def test_it_names_itself() -> None:
    maker, model, serial, _ = Controller().send("*IDN?").split(",")
    assert (maker, model) == ("LSCI", "MODEL336")
    assert "/" in serial
    assert Controller(Lakeshore335).send("*IDN?").startswith("LSCI,MODEL335,")


@pytest.mark.parametrize("message", ["KRDG? A", "KRDG?A", "KRDG?  a", "krdg? A", ":KRDG? A"])
def test_a_query_may_touch_its_parameter(message: str) -> None:
    """Section 4: InstrumentKit sends no space, lakeshore joins with ``;:``."""
    assert Controller().send(message) == "+297.000"


def test_a_space_may_follow_a_comma() -> None:
    controller = Controller()
    controller.send("SETP 1, 200")
    controller.clock.wait(1.0)
    assert controller.send("SETP? 1") == "+200.000"


def test_zero_asks_for_all_inputs() -> None:
    assert Controller().send("KRDG? 0") == "+297.000,+297.000,+000.000,+000.000"
    assert Controller(Lakeshore335).send("KRDG? 0") == "+297.000,+297.000"


def test_errors_show_in_the_event_status_chained_to_the_message() -> None:
    """The vendor's package appends ``;*ESR?`` to everything: 32 command error, 16 execution error."""
    controller = Controller()
    assert controller.send("KRDG? A;*ESR?") == "+297.000;0"
    assert controller.send("SETP 1,250.0;*ESR?") == "0"
    assert controller.send("NONSENSE;*ESR?") == "32"
    assert controller.send("RANGE 1,7;*ESR?") == "16"
    assert controller.send("KRDG? E;*ESR?") == "16"
    assert controller.send("SYST:ERR?;*ESR?") == "32"
    assert controller.send("*ESR?") == "0"


def test_the_setpoint_moves_the_stage() -> None:
    controller = Controller()
    controller.send("SETP 1,277")
    controller.clock.wait(1800.0)
    assert float(controller.send("KRDG? A")) == pytest.approx(277.0, abs=0.01)


def test_a_setpoint_is_answered_only_once_it_is_processed() -> None:
    """QCoDeS waits 0.5 s after SETP because of it."""
    controller = Controller()
    controller.send("SETP 1,250")
    assert controller.send("SETP? 1") == "+297.000"
    controller.clock.wait(0.1)
    assert controller.send("SETP? 1") == "+250.000"


def test_a_ramp_starts_at_the_present_setpoint_and_takes_its_time() -> None:
    controller = Controller()
    controller.send("RAMP 1,1,6;SETP 1,285")
    assert controller.send("RAMP? 1") == "1,+006.0"
    assert controller.send("RAMPST? 1") == "1"
    controller.clock.wait(60.0)
    assert float(controller.send("SETP? 1")) == pytest.approx(291.0, abs=0.2)
    controller.clock.wait(61.0)
    assert controller.send("RAMPST? 1") == "0"
    assert controller.send("SETP? 1") == "+285.000"


def test_a_ramp_switched_on_after_a_step_starts_at_the_step() -> None:
    controller = Controller()
    controller.clock.wait(0.5)
    controller.send("RAMP 1,0,0;SETP 1,240;RAMP 1,1,6;SETP 1,250")
    controller.clock.wait(0.1)
    assert float(controller.send("SETP? 1")) == pytest.approx(240.0, abs=0.2)


def test_whether_the_setpoint_query_follows_the_ramp_is_a_switch() -> None:
    controller = Controller()
    controller.box.setpoint_query_follows_ramp = False
    controller.send("RAMP 1,1,6;SETP 1,285")
    controller.clock.wait(10.0)
    assert controller.send("SETP? 1") == "+285.000"


def test_heater_ranges_are_decades_of_power() -> None:
    """336: 50 Ω and 1 A are 50 W in the high range, 5 W and 0.5 W below."""
    controller = Controller()
    controller.send("OUTMODE 1,3,1,0;MOUT 1,100")
    for heater_range, power in ((3, 50.0), (2, 5.0), (1, 0.5), (0, 0.0)):
        controller.send(f"RANGE 1,{heater_range}")
        assert controller.cryostat.settings.maximum_power == pytest.approx(power)
    controller.send("HTRSET 1,1,0,0.8,2;RANGE 1,3")
    assert controller.cryostat.settings.maximum_power == pytest.approx(25.0 * 0.8**2)


def test_manual_output_and_display_in_power_or_current() -> None:
    controller = Controller()
    controller.send("OUTMODE 1,3,1,0;MOUT 1,25")
    controller.clock.wait(5.0)
    assert controller.send("HTR? 1") == "+025.0"
    controller.send("HTRSET 1,2,2,1,1")
    assert controller.send("HTR? 1") == "+050.0"


def test_heater_off_lets_the_stage_cool() -> None:
    controller = Controller()
    controller.send("RANGE 1,0")
    controller.clock.wait(300.0)
    assert float(controller.send("KRDG? A")) < 280.0


def test_a_reset_switches_the_heater_off_and_forgets_nothing_else() -> None:
    controller = Controller()
    controller.send("PID 1,40,10,0;*RST")
    assert controller.send("RANGE? 1;PID? 1") == "0;+0040.0,+0010.0,+0000.0"


def test_the_temperature_limit_cuts_the_heater() -> None:
    controller = Controller()
    controller.send("TLIMIT A,300;SETP 1,310")
    controller.clock.wait(600.0)
    assert controller.send("RANGE? 1") == "0"
    assert float(controller.send("KRDG? A")) < 300.0


def test_a_heater_cut_by_its_limit_stays_off_whatever_else_is_set() -> None:
    controller = Controller()
    controller.send("TLIMIT B,300;SETP 1,310")
    controller.clock.wait(900.0)
    controller.send("OUTMODE 1,1,1,0;HTRSET 1,2,2,1,2;SETP 1,290")
    assert controller.send("RANGE? 1") == "0"
    controller.clock.wait(60.0)
    controller.send("RANGE 1,3")
    assert controller.send("RANGE? 1") == "3"


def test_the_loop_may_control_the_sample_sensor() -> None:
    controller = Controller()
    controller.cryostat.fail(spec=CryostatSpec(sample_offset=5.0, coolant_swing=0.0, sample_drift=0.0))
    controller.send("OUTMODE 1,1,2,0;SETP 1,290")
    controller.clock.wait(7200.0)
    assert controller.send("KRDG? B") == "+290.000"
    assert controller.send("KRDG? A") == "+285.000"
    controller.send("OUTMODE 1,1,3,0")
    controller.clock.wait(10.0)
    assert controller.send("HTR? 1") == "+000.0"


def test_a_dead_band_keeps_an_alarm_that_does_not_latch() -> None:
    controller = Controller()
    controller.send("ALARM A,1,296,250,2,0,0,0")
    assert controller.send("ALARMST? A") == "1,0"
    controller.send("SETP 1,295")
    controller.clock.wait(1800.0)
    assert controller.send("ALARMST? A") == "1,0"
    controller.send("SETP 1,293")
    controller.clock.wait(1800.0)
    assert controller.send("ALARMST? A") == "0,0"


def test_set_points_of_other_outputs_are_their_own() -> None:
    controller = Controller()
    controller.send("SETP 2,100")
    assert controller.send("SETP? 1") == "+297.000"
    controller.clock.wait(1.0)
    assert controller.send("SETP? 2;SETP? 1") == "+100.000;+297.000"


def test_alarms_latch_until_they_are_reset() -> None:
    controller = Controller()
    controller.send("ALARM A,1,298,250,0,1,0,0;SETP 1,300")
    assert controller.send("ALARMST? A") == "0,0"
    controller.clock.wait(600.0)
    assert controller.send("ALARMST? A") == "1,0"
    controller.send("SETP 1,290")
    controller.clock.wait(600.0)
    assert controller.send("ALARMST? A") == "1,0"
    controller.send("ALMRST")
    assert controller.send("ALARMST? A") == "0,0"
    controller.send("ALARM A,0,,,,,,")
    assert controller.send("ALARM? A") == "0,+298.000,+250.000,+000.000,1,0,0"


def test_a_lost_sensor_shows_in_its_status_and_switches_the_heat_away() -> None:
    controller = Controller()
    assert controller.send("RDGST? A;RDGST? C") == "000;001"
    controller.cryostat.sensor_lost = True
    controller.clock.wait(10.0)
    assert controller.send("RDGST? A;KRDG? A;HTR? 1") == "128;+000.000;+000.0"


def test_an_open_heater_is_reported() -> None:
    controller = Controller()
    controller.cryostat.heater_broken = True
    assert controller.send("HTRST? 1") == "1"


def test_the_status_byte_sums_up_operation_events() -> None:
    controller = Controller()
    controller.send("OPSTE 8;RAMP 1,1,60;SETP 1,298")
    assert int(controller.send("OPST?")) & 8 == 0
    controller.send("OPSTR?")
    controller.clock.wait(10.0)
    assert int(controller.send("*STB?")) & 128
    assert int(controller.send("OPSTR?")) & 8


def test_readings_are_noisy_on_the_third_place() -> None:
    controller = Controller(noise=True)
    readings = {controller.send("KRDG? A") for _ in range(50)}
    assert len(readings) > 3
    assert all(abs(float(reading) - 297.0) < 0.02 for reading in readings)


def test_the_heater_of_a_335_is_set_up_with_one_value_more() -> None:
    controller = Controller(Lakeshore335)
    controller.send("HTRSET 1,0,2,0,0.5,2;RANGE 1,3")
    assert controller.send("HTRSET? 1") == "0,2,0,+0.500,2"
    assert controller.cryostat.settings.maximum_power == pytest.approx(50.0 * 0.25)


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(random=st.randoms(use_true_random=False))
def test_no_message_brings_it_out_of_step(random) -> None:
    controller = Controller()
    judge = Judge(controller.box)
    for _ in range(40):
        judge.send(random_message(controller.box, random))
    judge.check_pairing()
    assert controller.send("*CLS;*ESR?") == "0"
