"""The generator as a message box, and what comes out of its terminals."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim_instruments.clock import SimClock
from sim_instruments.fuzzing import Judge, random_message
from sim_instruments.mfg2230m import MFG2230M
from sim_instruments.waveform import Waveform

PULSES = b"OUTP1:LOAD INF;:SOUR1:FUNC PULS;PULS:PER 1ms;WIDT 20us;:SOUR1:AMP 4;DCO 2"


class Terminals:
    """Remembers what was driven and from when."""

    def __init__(self) -> None:
        self.driven: list[tuple[float, Waveform | None]] = []

    def drive(self, waveform: Waveform | None, *, start: float) -> None:
        self.driven.append((start, waveform))


class Generator:
    """A generator with a cable on channel 1."""

    def __init__(self) -> None:
        self.clock, self.terminals = SimClock(), Terminals()
        self.box = MFG2230M(clock=self.clock, terminals={1: self.terminals})
        self.outputs: list[tuple[bool, float]] = []
        self.box.witness = lambda box, on, volts: self.outputs.append((on, volts))

    def send(self, message: bytes) -> str:
        reply = self.box.receive(message)
        return "" if reply is None else reply.decode()

    @property
    def waveform(self) -> Waveform | None:
        return self.terminals.driven[-1][1]


def test_it_names_itself_as_the_vendors_code_expects() -> None:
    """[V]: field 2 is compared with the model, three characters are stripped off field 3."""
    maker, model, serial, firmware = Generator().send(b"*IDN?").split(",")
    assert (maker, model, serial[:3], firmware[0]) == ("GW INSTEK", "MFG-2230M", "SN:", "V")


def test_an_empty_error_queue_answers_in_its_own_format() -> None:
    generator = Generator()
    assert generator.send(b"SYST:ERR?") == "+0, 'No error.'"
    generator.send(b"SOUR1:NONSENSE 1")
    assert generator.send(b"SYSTem:ERRor?") == "-113, 'Undefined header.'"


def test_zero_to_amplitude_pulses_are_amplitude_and_half_of_it_as_offset() -> None:
    generator = Generator()
    generator.send(PULSES + b";:OUTP1 ON;*OPC?")
    waveform = generator.waveform
    assert waveform is not None
    assert (waveform.low, waveform.high) == (0.0, 4.0)
    assert waveform.period == pytest.approx(1e-3)
    assert waveform.width == pytest.approx(20e-6)
    assert waveform.resistance == 50.0
    assert generator.send(b"SOUR1:AMP?;DCO?;PULS:WIDT?") == "+4.0000E+00;+2.0000E+00;+2.0000E-05"


def test_meant_for_50_ohms_twice_the_voltage_appears_at_an_open_circuit() -> None:
    generator = Generator()
    generator.send(b"SOUR1:FUNC PULS;AMP 4;DCO 1;:OUTP1 ON")
    assert generator.waveform is not None
    assert (generator.waveform.low, generator.waveform.high) == (-2.0, 6.0)
    generator.send(b"OUTP1:LOAD INF")
    assert generator.send(b"SOUR1:AMP?;DCO?") == "+8.0000E+00;+2.0000E+00"
    assert (generator.waveform.low, generator.waveform.high) == (-2.0, 6.0)


@pytest.mark.parametrize(
    ("load", "amplitude", "offset", "error"),
    [
        (b"DEF", 7, 0, "+0"),
        (b"DEF", 10.5, 0, "-222"),
        (b"DEF", 7, 3.5, "-221"),
        (b"INF", 7, 3.5, "+0"),
        (b"INF", 20, 0, "+0"),
        (b"INF", 20.5, 0, "-222"),
        (b"INF", 8, 6.5, "-221"),
    ],
)
def test_limits_depend_on_the_load(load: bytes, amplitude: float, offset: float, error: str) -> None:
    """[R]: 10 Vpp and |offset| + Vpp/2 <= 5 V into 50 Ω, twice that open."""
    generator = Generator()
    generator.send(b"OUTP1:LOAD %s;:SOUR1:AMP %g;DCO %g" % (load, amplitude, offset))
    assert generator.send(b"SYST:ERR?").split(",")[0] == error


def test_bounds_are_told_for_the_load_and_beside_the_amplitude() -> None:
    generator = Generator()
    generator.send(b"OUTP1:LOAD DEF;:SOUR1:AMP 4;DCO 0")
    told = generator.send(b"SOUR1:AMP? MIN;AMP? MAX;DCO? MIN;DCO? MAX").split(";")
    assert [float(text) for text in told] == [1e-3, 10.0, -3.0, 3.0]
    generator.send(b"OUTP1:LOAD INF")
    told = generator.send(b"SOUR1:AMP? MIN;AMP? MAX;DCO? MAX").split(";")
    assert [float(text) for text in told] == [2e-3, 20.0, 6.0]
    generator.send(b"SOUR1:DCO 6;:SOUR1:DCO 0;AMP 20;AMP 2E-3")
    assert generator.send(b"SYST:ERR?") == "+0, 'No error.'"


def test_what_it_has_learned_brings_it_back() -> None:
    generator = Generator()
    generator.send(PULSES)
    learned = generator.send(b"*LRN?")
    generator.send(b"*RST;:OUTP1:LOAD INF")
    assert generator.send(b"*LRN?") != learned
    generator.send(learned.encode())
    assert generator.send(b"SYST:ERR?;*LRN?") == f"+0, 'No error.';{learned}"


def test_a_refused_value_leaves_everything_as_it_was() -> None:
    generator = Generator()
    generator.send(PULSES)
    generator.send(b"SOUR1:PULS:WIDT 2ms")
    generator.send(b"SOUR1:PULS:PER 10us")
    assert generator.send(b"SOUR1:PULS:WIDT?;PER?") == "+2.0000E-05;+1.0000E-03"
    assert generator.send(b"SYST:ERR?").startswith("-221")
    assert generator.send(b"SYST:ERR?").startswith("-221")


def test_amplitude_and_offset_settle_one_after_the_other_and_leave_dc_meanwhile() -> None:
    """PHYSICS.md 3: from 7 to 4 V with the output on, 1.5 V of DC stand until the offset follows."""
    generator = Generator()
    generator.send(b"OUTP1:LOAD INF;:SOUR1:FUNC PULS;AMP 7;DCO 3.5;:OUTP1 ON;*OPC?")
    generator.send(b"SOUR1:AMP 4")
    generator.clock.wait(0.02)
    generator.send(b"SOUR1:DCO 2")
    (amplitude_at, between), (offset_at, after) = generator.terminals.driven[-2:]
    assert between is not None and after is not None
    assert (between.low, between.high) == (1.5, 5.5)
    assert (after.low, after.high) == (0.0, 4.0)
    assert offset_at - amplitude_at == pytest.approx(0.022)


def test_operation_complete_waits_until_the_amplitude_has_settled() -> None:
    generator = Generator()
    before = generator.clock.monotonic()
    assert generator.send(b"SOUR1:AMP 2;*OPC?") == "1"
    assert generator.clock.monotonic() - before >= MFG2230M.settling_time


def test_a_busy_generator_may_be_deaf() -> None:
    generator = Generator()
    generator.box.deaf_while_busy = True
    generator.send(b"SOUR1:AMP 2")
    assert generator.send(b"SOUR1:AMP?") == ""
    generator.clock.wait(0.1)
    assert generator.send(b"SOUR1:AMP?") == "+2.0000E+00"


def test_apply_switches_the_output_on() -> None:
    """[R]: never use it for set-up."""
    generator = Generator()
    generator.send(b"SOUR1:APPL:SIN 2KHZ,3,0.5")
    assert generator.send(b"OUTP1?") == "1"
    assert generator.outputs == [(True, 4.0)]
    assert generator.send(b"SOUR1:APPL?") == '"SIN +2.0000E+03,+3.0000E+00,+5.0000E-01"'


def test_only_output_and_apply_switch_on() -> None:
    generator = Generator()
    for command in generator.box.table.commands:
        spelled = (
            command.header.replace("{1|2}", "1").replace("[", "").replace("]", "").split("|")[0].encode()
        )
        if b"OUTPut" not in spelled and b"APPLy" not in spelled:
            generator.send(spelled + b" 1")
            generator.send(spelled)
            generator.send(spelled + b"?")
    assert generator.outputs == []


def test_mhz_is_millihertz() -> None:
    """[D]: whatever the case."""
    generator = Generator()
    generator.send(b"SOUR1:FUNC SIN;FREQ 5MHz")
    assert float(generator.send(b"SOUR1:FREQ?")) == pytest.approx(5e-3)


def test_width_and_period_take_units_and_bounds() -> None:
    generator = Generator()
    generator.send(b"SOUR1:PULS:PER 1ms;WIDT 100us")
    assert generator.send(b"SOUR1:PULS:WIDT?") == "+1.0000E-04"
    assert generator.send(b"SOUR1:PULS:WIDT? MIN") == "+2.0000E-08"


def test_counted_bursts_wait_for_their_trigger() -> None:
    generator = Generator()
    generator.send(PULSES + b";BURS:NCYC 20;TRIG:SOUR BUS;:SOUR1:BURS ON;:OUTP1 ON;*OPC?")
    waiting = generator.waveform
    assert waiting is not None and waiting.shape == "steady" and waiting.high == waiting.low == 0.0
    generator.send(b"*TRG")
    burst = generator.waveform
    assert (
        burst is not None
        and burst.shape == "pulse"
        and burst.cycles == 20
        and math.isinf(burst.repeats_every)
    )
    generator.send(b"SOUR1:BURS:TRIG:SOUR IMM;:SOUR1:BURS:INT:PER 50ms")
    repeated = generator.waveform
    assert repeated is not None and repeated.repeats_every == pytest.approx(0.05)
    generator.send(b"*TRG")
    assert generator.send(b"SYST:ERR?").startswith("-211")


def test_a_burst_that_is_running_takes_no_other_trigger() -> None:
    generator = Generator()
    generator.send(PULSES + b";BURS:NCYC 20;TRIG:SOUR MAN;:SOUR1:BURS ON;:OUTP1 ON;*OPC?")
    generator.send(b"OUTP1:TRIG")
    generator.send(b"OUTP1:TRIG")
    assert generator.send(b"SYST:ERR?").startswith("-211")
    generator.box.clock.wait(0.1)
    generator.send(b"OUTP1:TRIG")
    assert generator.send(b"SYST:ERR?").startswith("+0")


def test_reset_and_recall_switch_off() -> None:
    generator = Generator()
    generator.send(PULSES + b";:OUTP1 ON;*OPC?;*SAV 3;*RST")
    assert (generator.send(b"OUTP1?"), generator.waveform) == ("0", None)
    assert generator.send(b"SOUR1:FUNC?") == "SIN"
    generator.send(b"*RCL 3")
    assert generator.send(b"SOUR1:FUNC?;AMP?;:OUTP1?") == "PULS;+4.0000E+00;0"


def test_units_of_the_amplitude() -> None:
    """1 Vrms of a sine is 2.828 Vpp; 0 dBm into 50 Ω is 0.2236 Vrms."""
    generator = Generator()
    generator.send(b"SOUR1:FUNC SIN;VOLT:UNIT VRMS;:SOUR1:AMP 1")
    assert generator.box.channels[1].swing == pytest.approx(2 * 2 * math.sqrt(2))
    generator.send(b"SOUR1:VOLT:UNIT DBM;:SOUR1:AMP 0")
    assert generator.box.channels[1].swing == pytest.approx(2 * 2 * math.sqrt(2) * 0.2236, rel=1e-4)
    generator.send(b"OUTP1:LOAD INF")
    assert generator.send(b"SYST:ERR?").startswith("-221")


def test_the_second_channel_is_its_own() -> None:
    generator = Generator()
    generator.send(b"SOUR2:FUNC SQU;:OUTP2 ON")
    assert generator.send(b"OUTP1?;OUTP2?") == "0;1"
    assert generator.send(b"SOUR1:FUNC?;:SOUR2:FUNC?") == "SIN;SQU"
    assert generator.terminals.driven == []


def test_the_witness_hears_of_both_channels_together() -> None:
    generator = Generator()
    generator.send(b"OUTP1:LOAD INF;:OUTP2:LOAD INF;:SOUR1:AMP 4;:SOUR2:AMP 8")
    generator.send(b"OUTP1 ON;:OUTP2 ON;:OUTP1 OFF;:SOUR2:AMP 2;:OUTP2 OFF")
    assert generator.outputs == [(True, 2.0), (True, 4.0), (True, 1.0), (False, 0.0)]


def test_modulation_and_sweep_are_kept_for_each_channel_and_reset() -> None:
    """[V]: the maker's own driver sets them; none of them touches the pulses."""
    generator = Generator()
    generator.send(PULSES + b";:SOUR1:AM:STAT ON;DEPT 30;:SOUR1:SWE:SPAC LOG;:SOUR2:FM:DEV 2KHZ")
    assert generator.send(b"SOUR1:AM:STAT?;DEPT?;:SOUR1:SWE:SPAC?") == "1;+3.0000E+01;LOG"
    assert generator.send(b"SOUR1:FM:DEV?;:SOUR2:FM:DEV?") == "+1.0000E+02;+2.0000E+03"
    assert generator.send(b"*RST;:SOUR1:AM:STAT?") == "0"
    assert generator.send(b"SYST:ERR?") == "+0, 'No error.'"


few = settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@few
@given(random=st.randoms(use_true_random=False))
def test_no_message_brings_it_out_of_step(random) -> None:
    generator = Generator()
    judge = Judge(generator.box)
    for _ in range(40):
        judge.send(random_message(generator.box, random))
    judge.check_pairing()
    judge.check_registers()


def test_a_sweep_of_widths_reads_back_as_written() -> None:
    generator = Generator()
    generator.send(PULSES)
    for width in (2e-6, 12.3e-6, 49.6e-6, 100e-6, 300e-6):
        generator.send(b"SOUR1:PULS:WIDT %r" % width)
        assert float(generator.send(b"SOUR1:PULS:WIDT?")) == pytest.approx(width, rel=1e-9)
