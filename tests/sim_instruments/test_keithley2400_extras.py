"""What a curious driver uses of a 2400: source memory, expressions, off states, guard, ways to sense ohms."""

import pytest

from sim_instruments.clock import SimClock
from sim_instruments.keithley2400 import Keithley2400
from sim_instruments.wiring import SimBench


@pytest.fixture
def box(source_meter):
    return source_meter


def ask(box, message: str) -> list[float]:
    return [float(value) for value in box.receive(message.encode()).split(b",")]


def error(box) -> int:
    return int(box.receive(b"SYST:ERR?").split(b",")[0])


# --- CALCulate1 ([M] p. 18-26 to 18-31) ---------------------------------------------------------


def test_an_expression_of_ones_own_is_named_defined_and_calculated(box):
    """The manual's example on p. 8-8, percent deviation, on the 10 kilohm resistor."""
    box.receive(b'CALC:MATH:UNIT "%";:CALC:MATH:EXPR:NAME "PER_DEV"')
    box.receive(b"CALC:MATH:EXPR (((VOLT / CURR - 8e3) / 8e3) * 100)")
    assert box.receive(b"CALC:MATH?") == b"(((VOLT / CURR - 8e3) / 8e3) * 100)"
    assert b'"PER_DEV"' in box.receive(b"CALC:MATH:CAT?")
    box.receive(b"FUNC 'VOLT','CURR';:CALC:STAT ON;:SOUR:VOLT 1;:OUTP ON;:TRIG:COUN 3;:READ?")
    assert ask(box, "CALC:DATA?") == pytest.approx([25.0] * 3, abs=1.0)
    assert len(ask(box, "CALC:DATA:LAT?")) == 1
    box.receive(b"FORM:ELEM:CALC CALC,TIME,STAT")
    assert len(ask(box, "CALC:DATA?")) == 9 and error(box) == 0


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("(2 + 3 * 4)", 14),
        ("(-2 ^ 2)", 4),  # a sign binds tighter than the power (p. 18-30)
        ("(2 * 3 ^ 2)", 18),
        ("(12 / 3 / 2 - 1)", 1),
        ("(log(-100) + ln(exp(2)))", 4),
        ("(sin(0) + cos(0) + tan(0))", 1),
        ("(1.5e1 - .5)", 14.5),
        ("(1 / 0)", 9.9e37),
    ],
)
def test_formulas_follow_the_manuals_precedence(box, formula, value):
    box.receive(b"CALC:MATH:NAME 'X';:CALC:MATH " + formula.encode() + b";:CALC:STAT ON;:OUTP ON;:READ?")
    assert ask(box, "CALC:DATA?")[0] == pytest.approx(value) and error(box) == 0


def test_a_formula_asks_only_for_the_readings_it_names(box):
    """In manual ohms with one function the current is not told; what needs it overflows, ohms do not."""
    box.receive(b"FUNC:CONC OFF;:FUNC 'RES';:CALC:MATH:NAME 'KILOHM';:CALC:MATH (RES / 1E3);:CALC:STAT ON")
    box.receive(b"RES:MODE MAN;:SENS:CURR:PROT 1E-3;:SOUR:VOLT 1;:OUTP ON;:FORM:ELEM CURR,RES;:READ?")
    current, ohms = ask(box, "READ?")
    assert current == 9.91e37
    assert ask(box, "CALC:DATA?")[0] == pytest.approx(ohms / 1e3)
    box.receive(b"CALC:MATH:NAME 'POWER'")
    assert ask(box, "CALC:DATA?")[0] == 9.9e37


@pytest.mark.parametrize(
    ("formula", "code"),
    [
        (b"()", 811),
        (b"(VOLT CURR)", 811),
        (b"((VOLT * CURR)", 812),
        (b"(VOLT *", 812),
        (b"(VOLT * )", 813),
        (b"(* VOLT)", 813),
        (b"(VOLT[0*CURR[0])", 814),
        (b"(ln(VOLT)))", 815),
        (b"VOLT * CURR", 816),
        (b"(VOLT) + 1", 816),
        (b"(WATT * 2)", 817),
        (b"(sinh(VOLT))", 817),
        (b"(1.2.3 * VOLT)", 818),
        (b"(1e * VOLT)", 819),
        (b"(1e999 * VOLT)", 820),
        (b"(VOLT[2500])", 821),
        (b"(" * 3000 + b"1" + b")" * 3000, 816),
    ],
)
def test_each_mistake_in_a_formula_has_its_code(box, formula, code):
    box.receive(b"CALC:MATH:NAME 'X'")
    box.receive(b"CALC:MATH " + formula)
    assert error(box) == code


def test_the_catalogue_takes_five_of_ones_own_and_guards_the_built_in_ones(box):
    box.receive(b"CALC:MATH (VOLT)")
    assert error(box) == 807, "POWER is built in"
    box.receive(b"CALC:MATH:NAME 'A'")
    box.receive(b"CALC:MATH:NAME 'B'")
    assert error(box) == 805, "A has no formula yet"
    for name in (b"A", b"B", b"C", b"D", b"E"):
        box.receive(b"CALC:MATH:NAME '" + name + b"';:CALC:MATH (VOLT)")
    box.receive(b"CALC:MATH:NAME 'F'")
    assert error(box) == 804
    box.receive(b"CALC:MATH:DEL 'F'")
    assert error(box) == 806
    box.receive(b"CALC:MATH:DEL 'VARALPHA'")
    assert error(box) == 808
    box.receive(b"CALC:MATH:DEL:ALL")
    assert box.receive(b"CALC:MATH:CAT?;NAME?") == b'"POWER","OFFCOMPOHM","VOLTCOEF","VARALPHA";"POWER"'


def test_a_vector_needs_all_its_readings(box):
    box.receive(b"FUNC 'VOLT','CURR';:CALC:MATH:NAME 'OFFCOMPOHM';:CALC:STAT ON;:SENS:CURR:PROT 1E-3")
    box.receive(b"SOUR:LIST:VOLT 0.5,1.5,0.5,2.5;:SOUR:VOLT:MODE LIST;:OUTP ON;:INIT")
    assert box.receive(b"CALC:DATA?") is None and error(box) == 801
    box.receive(b"TRIG:COUN 4;:READ?")
    assert ask(box, "CALC:DATA?") == pytest.approx([10e3, 10e3], rel=2e-3)


# --- source memory ([M] p. 10-6 to 10-12, 18-93) ------------------------------------------------


def two_locations(box) -> None:
    box.receive(b"*RST;:FUNC 'VOLT','CURR';:SENS:CURR:PROT 1E-3;:SOUR:VOLT 1;:SOUR:MEM:SAVE 3")
    box.receive(b"SOUR:FUNC CURR;:SENS:VOLT:PROT 20;:SOUR:CURR 2E-4;:SENS:VOLT:NPLC 0.1;:SOUR:MEM:SAVE 4")
    box.receive(b"SOUR:FUNC MEM;:SOUR:MEM:STAR 3;POIN 2;:TRIG:COUN 2;:FORM:ELEM VOLT")
    assert box.receive(b"SOUR:FUNC?;:SOUR:MEM:POIN?;STAR?;:SYST:ERR?") == b'MEM;2;3;0,"No error"'


def test_a_memory_sweep_runs_through_its_locations_whatever_is_sourced(box, resistor):
    two_locations(box)
    box.receive(b"OUTP ON")
    assert ask(box, "READ?") == pytest.approx([1.0, 2.0], rel=2e-3)
    box.receive(b"TRIG:COUN 4")
    assert ask(box, "READ?") == pytest.approx([1.0, 2.0, 1.0, 2.0], rel=2e-3)
    assert box.is_on and all(on for on, _ in resistor.calls[-4:])
    box.receive(b"SOUR:MEM:REC 3")
    assert not box.is_on, "the source has changed"
    assert box.receive(b"SOUR:FUNC?") == b"MEM" and box.receive(b"SENS:CURR:NPLC?") == b"1.000000E+00"


def test_a_memory_sweep_branches_when_its_test_passes(box):
    box.receive(b"*RST;:FUNC 'VOLT','CURR';:SENS:CURR:PROT 1E-3")
    for location, volts in ((1, 1), (2, 2), (7, 7)):
        branch = b"7" if location == 1 else b"NEXT"
        box.receive(b"SOUR:VOLT %d;:CALC2:FEED VOLT;:CALC2:LIM2:UPP 1.5;STAT ON" % volts)
        box.receive(b"CALC2:CLIM:PASS:SML " + branch + b";:SOUR:MEM:SAVE %d" % location)
    box.receive(b"SOUR:FUNC MEM;:SOUR:MEM:POIN 3;:TRIG:COUN 2;:FORM:ELEM VOLT;:OUTP ON")
    assert ask(box, "READ?") == pytest.approx([1.0, 7.0], rel=2e-3)
    assert box.receive(b"CALC2:CLIM:PASS:SML?;:CALC2:CLIM:FAIL:SML?") == b"NEXT;NEXT"


def test_a_location_whose_expression_is_gone_falls_back_and_tells(box):
    box.receive(b"CALC:MATH:NAME 'X';:CALC:MATH (VOLT);:SOUR:MEM:SAVE 1;:CALC:MATH:DEL 'X'")
    box.receive(b"SOUR:MEM:REC 1")
    assert error(box) == 809 and box.receive(b"CALC:MATH:NAME?") == b'"POWER"'


def test_initialising_memory_makes_every_location_as_the_box_is(box):
    box.receive(b"SOUR:VOLT 2;:CALC:MATH:NAME 'X';:CALC:MATH (VOLT);:SYST:MEM:INIT;:SOUR:VOLT 5")
    box.receive(b"SOUR:MEM:REC 77")
    assert box.receive(b"SOUR:VOLT?;:CALC:MATH:CAT?").startswith(b'2.000000E+00;"POWER"')
    assert b"X" not in box.receive(b"CALC:MATH:CAT?")


def test_a_list_may_begin_anywhere_and_run_backwards(box):
    box.receive(b"SENS:CURR:PROT 1E-2;:SOUR:LIST:VOLT 1,2,3;VOLT:STAR 3;:SOUR:VOLT:MODE LIST")
    box.receive(b"FUNC 'VOLT';:FORM:ELEM VOLT;:TRIG:COUN 3;:OUTP ON")
    assert ask(box, "READ?") == pytest.approx([3, 1, 2], rel=2e-3)
    box.receive(b"SOUR:LIST:DIR DOWN")
    assert ask(box, "READ?") == pytest.approx([3, 2, 1], rel=2e-3)


# --- off states ([M] p. 254-256, 362) -----------------------------------------------------------


class Terminals:
    """A 1 kilohm resistor that notes what the source does, with a battery in series."""

    def __init__(self, battery: float = 0.0) -> None:
        self.battery = battery
        self.driven: tuple[bool, str, float, float] | None = None

    def output(self, *, on, source, level, limit):
        self.driven = (on, source, level, limit)
        return self.measure(source=source, level=level, limit=limit, start=0.0, duration=0.0)[0]

    def measure(self, *, source, level, limit, start, duration):
        if source == "current":
            return level * 1e3 + self.battery, level
        current = max(-limit, min(limit, (level - self.battery) / 1e3))
        return current * 1e3 + self.battery, current


def off_in(state: bytes, *settings: bytes) -> tuple[Keithley2400, Terminals]:
    terminals = Terminals()
    box = Keithley2400(clock=SimClock(), terminals=terminals)
    for message in (b"SENS:CURR:PROT 5E-3;:SENS:CURR:RANG 1E-2;:SOUR:VOLT 2", *settings):
        box.receive(message)
    box.receive(b"OUTP:SMOD " + state + b";:OUTP ON")
    box.receive(b"OUTP OFF")
    assert not box.errors
    return box, terminals


CURRENT_SOURCE = b"SOUR:FUNC CURR;:SOUR:CURR 2E-3;:SENS:VOLT:PROT 20;:SENS:VOLT:RANG 20"


@pytest.mark.parametrize(
    ("state", "settings", "driven"),
    [
        (b"NORM", (), (False, "voltage", 0.0, 0.005 * 10e-3)),
        (b"ZERO", (), (False, "voltage", 0.0, 5e-3)),
        (b"ZERO", (CURRENT_SOURCE,), (False, "voltage", 0.0, 2e-3)),
        (b"GUAR", (), (False, "current", 0.0, 0.005 * 2.0)),
        (b"GUAR", (CURRENT_SOURCE,), (False, "current", 0.0, 0.005 * 20.0)),
        (b"HIMP", (), (False, "voltage", 0.0, 0.0)),
    ],
)
def test_the_terminals_carry_what_the_off_state_says(state, settings, driven):
    _, terminals = off_in(state, *settings)
    on, source, level, limit = terminals.driven
    assert (on, source, level) == driven[:3] and limit == pytest.approx(driven[3])


def test_an_open_enable_line_opens_the_relay_whatever_the_off_state():
    box, terminals = off_in(b"NORM")
    box.receive(b"OUTP:ENAB ON")
    box.enable_line_closed = False
    box.switch(False)
    assert terminals.driven[3] == 0.0


def test_the_off_state_changes_at_once_while_the_output_is_off():
    box, terminals = off_in(b"NORM")
    box.receive(b"OUTP:SMOD HIMP")
    assert terminals.driven[3] == 0.0


def test_the_zero_state_measures_with_the_output_off_and_the_others_refuse():
    box, terminals = off_in(b"ZERO")
    terminals.battery = 0.1
    box.receive(b"FUNC 'CURR';:FORM:ELEM CURR")
    assert ask(box, "READ?")[0] == pytest.approx(-1e-4, abs=1e-6) and not box.is_on
    box.receive(b"OUTP:SMOD NORM")
    assert box.receive(b"READ?") is None and error(box) == 803


# --- ohms ([M] p. 4-2 to 4-14) ------------------------------------------------------------------


def test_offset_compensation_takes_a_battery_out_of_the_ohms_and_twice_the_time():
    box = Keithley2400(clock=SimClock(), terminals=Terminals(battery=0.02))
    box.receive(b"FUNC 'RES';:FORM:ELEM RES;:RES:RANG 2E3;:OUTP ON")
    start = box.clock.monotonic()
    (plain,) = ask(box, "READ?")
    middle = box.clock.monotonic()
    box.receive(b"RES:OCOM ON")
    (compensated,) = ask(box, "READ?")
    assert plain == pytest.approx(1020, rel=2e-3) and compensated == pytest.approx(1000, rel=2e-3)
    assert box.clock.monotonic() - middle > 1.7 * (middle - start)
    box.receive(b"FORM:ELEM STAT")
    assert int(ask(box, "READ?")[0]) & 1 << 17
    box.receive(b"CONF:RES")
    assert box.receive(b"RES:OCOM?") == b"0"


def test_four_wires_do_not_see_the_leads():
    bench = SimBench(noise=False, lead_resistance=50.0)
    box = bench.keithley2400
    bench.source_meter.sample.defect = "short"
    box.receive(b"SENS:CURR:PROT 0.1;:FUNC 'VOLT','CURR';:FORM:ELEM VOLT,CURR;:SOUR:VOLT 1;:OUTP ON")
    _, two_wire = ask(box, "READ?")
    box.receive(b"SYST:RSEN ON")
    _, four_wire = ask(box, "READ?")
    short = 1 / four_wire
    assert 1 / two_wire == pytest.approx(short + 50.0, rel=2e-3)
    box.receive(b"OUTP OFF;:SOUR:FUNC CURR;:SOUR:CURR 1E-2;:SENS:VOLT:PROT 5;:OUTP ON")
    assert ask(box, "READ?")[0] == pytest.approx(0.01 * short, rel=3e-3)
    box.receive(b"SYST:RSEN OFF")
    assert ask(box, "READ?")[0] == pytest.approx(0.01 * (short + 50.0), rel=3e-3)


def test_the_ohms_guard_and_the_highest_current_range_exclude_each_other(box):
    box.receive(b"SENS:CURR:PROT 1;:SYST:GUAR OHMS")
    assert error(box) == 828
    box.receive(b"SENS:CURR:PROT 0.1;:SYST:GUAR OHMS;:SENS:CURR:PROT 1")
    assert error(box) == 827
    box.receive(b"SOUR:FUNC CURR;:SOUR:CURR:RANG 1")
    assert error(box) == 827
    assert box.receive(b"SYST:GUAR?;:SENS:CURR:PROT?") == b"OHMS;1.000000E-01"


# --- triggers -------------------------------------------------------------------------------------


def test_a_bypassed_layer_waits_for_its_event_from_the_second_pass_on(box):
    box.receive(b"TRIG:SOUR TLIN;DIR SOUR;:OUTP ON;:FORM:ELEM CURR")
    assert len(ask(box, "READ?")) == 1
    box.receive(b"TRIG:COUN 2;:INIT")
    box.clock.wait(1.0)
    assert int(box.receive(b"STAT:OPER:COND?")) & 1 << 5, "the second reading waits for the line"
    box.receive(b"ABOR")
    assert len(ask(box, "FETC?")) == 1


def test_reading_while_the_bus_has_to_trigger_is_a_deadlock(box):
    box.receive(b"ARM:SOUR BUS;:OUTP ON;:READ?")
    assert box.receive(b"SYST:ERR?") == b'-214,"Trigger deadlock"'


# --- ranges, queue, format ----------------------------------------------------------------------


def test_measurement_ranges_go_up_and_down_by_one(box):
    box.receive(b"SENS:CURR:PROT 1E-3;:SENS:CURR:RANG 1E-4;RANG UP")
    assert box.receive(b"SENS:CURR:RANG?") == b"1.050000E-03"
    box.receive(b"SENS:CURR:RANG UP")
    assert error(box) == 824
    box.receive(b"SENS:CURR:RANG DOWN;RANG DOWN")
    assert box.receive(b"SENS:CURR:RANG?") == b"1.050000E-05"
    box.receive(b"SENS:RES:RANG 2E3;RANG UP")
    assert box.receive(b"SENS:RES:RANG?") == b"2.100000E+04"


def test_the_queue_takes_what_it_is_told_to(box):
    box.receive(b"*CLS;:STAT:QUE:ENAB (-110:-222)")
    box.receive(b"NONSENSE")
    box.receive(b"SOUR:VOLT 1,2")
    assert (error(box), error(box)) == (-113, 0) and int(box.receive(b"*ESR?")) & 32
    box.receive(b"STAT:QUE:DIS (-113)")
    box.receive(b"NONSENSE")
    assert error(box) == 0 and box.receive(b"STAT:QUE:ENAB?") == b"(-222:-114,-112:-110)"
    box.receive(b"STAT:PRES;:NONSENSE")
    assert error(box) == -113
    box.receive(b"STAT:QUE:ENAB (x)")
    assert error(box) == -104


def test_it_starts_up_with_the_settings_chosen_for_power_on(box):
    box.receive(b"SOUR:VOLT 2;*SAV 3;:SYST:POS SAV3;:SOUR:VOLT 5;:OUTP ON")
    box.power_on()
    assert box.receive(b"SOUR:VOLT?;:OUTP?;:SYST:POS?;*ESR?") == b"2.000000E+00;0;SAV3;128"
    box.receive(b"SYST:POS RST")
    box.power_on()
    assert box.receive(b"SOUR:VOLT?;:SYST:POS?") == b"0.000000E+00;RST"


def test_a_serial_line_carries_text_only(box):
    box.door = "serial"
    box.receive(b"FORM REAL,32")
    assert error(box) == 701 and box.receive(b"FORM?") == b"ASC"


def test_calibration_stays_locked_without_its_code(box):
    box.receive(b"CAL:PROT:SAVE")
    assert error(box) == 509 and int(box.receive(b"*ESR?")) & 8
    box.receive(b"CAL:PROT:CODE 'KI002400';:CAL:PROT:SAVE;:CAL:PROT:LOCK")
    assert error(box) == 0 and box.receive(b"CAL:PROT:LOCK?;COUN?") == b"0;1"


def test_the_display_shows_the_message_given(box):
    box.receive(b"DISP:WIND2:TEXT:DATA 'pixel 3';STAT ON")
    assert box.receive(b"DISP:WIND2:DATA?") == b'"' + b"pixel 3".ljust(32) + b'"'
    assert box.receive(b"DISP:WIND2:ATTR?") == b'"' + b"0" * 32 + b'"'


@pytest.mark.parametrize(("lines", "code"), [(b"3", 0), (b"4", 0), (b"5", -222), (b"16", -222)])
def test_the_digital_output_has_three_or_four_lines(box, lines, code):
    """Sixteen come with the 2499-DIGIO option (2400 manual, p. 18-102), which this one does not have."""
    box.receive(b"SOUR2:BSIZ " + lines)
    assert error(box) == code
