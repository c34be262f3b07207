"""The SCPI machine against the rules of IEEE 488.2 and SCPI-99 as the 6514 manual has them (p. 176-179)."""

import pytest

from sim_instruments.clock import SimClock
from sim_instruments.scpi import (
    Choice,
    Command,
    Number,
    ScpiBox,
    ScpiError,
    Switch,
    Text,
    command_page,
    control,
)


def refuse(box):
    raise ScpiError(-221)


class Lamp(ScpiBox):
    name = "lamp"
    identity = "ACME,LAMP,1,1.0"
    commands = (
        control(
            "[:SENSe[1]]:CURRent[:DC]:RANGe[:UPPer]",
            Number(0, 5, default=1),
            default=1.0,
            meaning="",
            source="",
        ),
        control("[:SENSe[1]]:CURRent[:DC]:NPLCycles", Number(0.01, 10), default=1.0, meaning="", source=""),
        control("[:SENSe[1]]:VOLTage:MODE", Choice("FIXed", "SWEep"), default="FIX", meaning="", source=""),
        control(
            ":SOURce{1|2}:LEVel", Number(0, 9, units={"V": 1, "MV": 1e-3}), default=0.0, meaning="", source=""
        ),
        control(":DISPlay:TEXT", Text(), default="", meaning="", source=""),
        control(":OUTPut", Switch(), default=False, meaning="", source=""),
        control(":LIST", Number(0, 9, integer=True, repeated=True), default=(0,), meaning="", source=""),
        Command(":CONFlict", meaning="", source="", set=refuse),
    )


@pytest.fixture
def lamp() -> Lamp:
    return Lamp(clock=SimClock())


def errors(box: ScpiBox) -> list[int]:
    codes = list(box.errors)
    box.errors.clear()
    return codes


@pytest.mark.parametrize(
    "header",
    [
        "SENS:CURR:RANG",
        ":sense1:current:dc:range:upper",
        "CURR:RANG:UPP",
        "SENSe1:CURR:DC:RANG",
        "CURRent:RANGe",
    ],
)
def test_short_and_long_forms_and_optional_nodes_are_one_command(lamp, header):
    lamp.receive(f"{header} 3".encode())
    assert lamp.receive(b"CURR:RANG?") == b"3.000000E+00"
    assert errors(lamp) == []


@pytest.mark.parametrize(
    "header", ["CURRE:RANG", "CUR:RANG", "SENSEE:CURR:RANG", "CURR :RANG", "CURR:RANGE:UPPE", "RANG"]
)
def test_anything_between_short_and_long_form_is_an_undefined_header(lamp, header):
    lamp.receive(f"{header} 3".encode())
    assert errors(lamp) == [-113]


def test_a_unit_without_colon_goes_on_at_the_level_of_the_one_before(lamp):
    assert lamp.receive(b"SENS:CURR:RANG 2;NPLC 5;:CURR:RANG?;NPLC?") == b"2.000000E+00;5.000000E+00"
    lamp.receive(b"SENS:CURR:RANG 2;VOLT:MODE SWE")
    assert errors(lamp) == [-113]


def test_a_common_command_does_not_move_the_path(lamp):
    assert lamp.receive(b"SENS:CURR:RANG 2;*OPC?;NPLC?") == b"1;1.000000E+00"


def test_units_after_a_bad_one_are_ignored_and_those_before_it_executed(lamp):
    assert lamp.receive(b"CURR:RANG 2;:NONSENSE;:CURR:RANG 4") is None
    assert lamp.receive(b"CURR:RANG?") == b"2.000000E+00"
    assert errors(lamp) == [-113]


def test_replies_of_one_message_are_joined_by_semicolons(lamp):
    assert lamp.receive(b"*IDN?;:OUTP?;:DISP:TEXT?") == b'ACME,LAMP,1,1.0;0;""'
    # a name has no end but the message's (SCPI-99, -440); commands behind it are obeyed
    lamp.name_ends_answers = True
    assert lamp.receive(b":OUTP?;*IDN?;:OUTP ON;:OUTP?") == b"0;ACME,LAMP,1,1.0"
    assert errors(lamp) == [-440]
    assert lamp.receive(b":OUTP?") == b"1"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"CURR:RANG", -109),
        (b"CURR:RANG 1,2", -108),
        (b"CURR:RANG 6", -222),
        (b"CURR:RANG 1V", -131),
        (b"CURR:RANG 'a'", -158),
        (b"CURR:RANG ,", -108),
        (b"CURR:RANG 1.2.3", -121),
        (b"VOLT:MODE 3", -128),
        (b"VOLT:MODE NEVER", -141),
        (b"SOUR3:LEV 1", -114),
        (b"DISP:TEXT 'open", -151),
        (b"DISP:TEXT word", -148),
        (b"*ESR", -113),
        (b"CONF?", -113),
        (b"CONFLICT", -221),
        (b"\xff\xfe", -101),
        (b"*", -102),
        (b"CURR:RANG #B12", -168),
        (b"CURR:RANG 1e999", -222),
        (b"CURR:RANG #H" + b"F" * 400, -222),
        (b"CURR:RANG (1+1)", -178),
        (b"CURR:RANG #15a;b,c", -168),
        (b"CURR:RANG #0all;of,it", -168),
        (b"VOLT:MODE (@1)", -178),
        (b"OUTP #15a;b,c", -168),
        (b"CURR:RANG 1E", -131),
        (b"CURR:RANG --1", -121),
        (b"CURRENTISMUCHTOOLONG:RANG 1", -112),
        (b"*ESE", -109),
        (b"*ESE 256", -222),
        (b"*ESE -1", -222),
        (b"*RST?", -113),
        (b"*IDN", -113),
    ],
)
def test_each_mistake_has_its_error(lamp, message, code):
    assert lamp.receive(message) is None
    assert errors(lamp) == [code]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("+1.5", 1.5), (".5", 0.5), ("2.", 2), ("1e0", 1), ("1 E -1", 0.1), ("#B101", 5), ("#H3", 3),
     ("#q2", 2), ("MAX", 5), ("MINimum", 0), ("DEF", 1)],
)  # fmt: skip
def test_numbers_are_read_in_every_form(lamp, text, value):
    lamp.receive(f"CURR:RANG {text}".encode())
    assert float(lamp.receive(b"CURR:RANG?")) == value


def test_bounds_are_told_without_being_set(lamp):
    assert (
        lamp.receive(b"CURR:RANG? MAX;RANG? MIN;RANG? DEF;RANG?")
        == b"5.000000E+00;0.000000E+00;1.000000E+00;1.000000E+00"
    )


def test_units_scale_and_suffixes_select_a_channel(lamp):
    lamp.receive(b"SOUR1:LEV 2 V;:SOUR2:LEV 30mV;:SOUR:LEV 3")
    assert lamp.receive(b"SOUR1:LEV?;:SOUR2:LEV?") == b"3.000000E+00;3.000000E-02"


def test_strings_take_either_quote_and_hide_separators(lamp):
    assert lamp.receive(b"DISP:TEXT 'a;b,\"c\"';TEXT?") == b'"a;b,""c"""'
    assert lamp.receive(b'DISP:TEXT "it\'s ""so""";TEXT?') == b'"it\'s ""so"""'


def test_a_switch_takes_any_number_for_on_that_does_not_round_to_zero(lamp):
    answers = [
        lamp.receive(b"OUTP " + text + b";OUTP?") for text in (b"1", b"0.4", b"1e999", b"0", b"on", b"Off")
    ]
    assert answers == [b"1", b"0", b"1", b"0", b"1", b"0"]


def test_lists_take_any_number_of_values(lamp):
    assert lamp.receive(b"LIST 1, 2 ,3.6;LIST?") == b"1,2,4"


def test_the_error_queue_overflows_into_its_last_entry(lamp):
    for _ in range(12):
        lamp.receive(b"NONSENSE")
    queue = lamp.receive(b"SYST:ERR?" + b";ERR?" * 10).split(b";")
    assert queue == [b'-113,"Undefined header"'] * 9 + [b'-350,"Queue overflow"', b'0,"No error"']


def test_reset_leaves_queue_enables_and_event_status_alone(lamp):
    lamp.receive(b"*CLS;*ESE 60;*SRE 32;CURR:RANG 2;NONSENSE")
    lamp.receive(b"*RST")
    assert lamp.receive(b"*ESE?;*SRE?;*ESR?;:CURR:RANG?") == b"60;32;32;1.000000E+00"
    assert errors(lamp) == [-113]


def test_status_byte_sums_up_and_clears_as_the_standard_says(lamp):
    assert lamp.receive(b"*ESR?;*ESR?") == b"128;0"
    lamp.receive(b"*ESE 32;*SRE 32;NONSENSE")
    assert lamp.receive(b"*STB?;*STB?") == b"100;116", (
        "error available, event summary, master; then a message, too"
    )
    assert lamp.receive(b"*ESR?;*STB?") == b"32;20"
    lamp.receive(b"*CLS")
    assert lamp.receive(b"*STB?") == b"0"
    assert lamp.receive(b"*ESE?;*SRE?") == b"32;32"


def test_masks_are_bytes_and_the_request_bit_cannot_be_enabled(lamp):
    assert lamp.receive(b"*ESE #B101;*ESE?;*SRE 255;*SRE?;*SRE #Q20;*SRE?") == b"5;191;16"


def test_each_class_of_error_sets_its_bit(lamp):
    for code, bit in ((-113, 32), (-222, 16), (-350, 8), (-363, 8), (-410, 4), (-440, 4)):
        lamp.receive(b"*CLS")
        lamp.report(code)
        assert lamp.receive(b"*ESR?") == b"%d" % bit, code


def test_operation_complete_sets_its_bit_when_idle(lamp):
    lamp.receive(b"*CLS;*OPC")
    assert lamp.receive(b"*ESR?;*OPC?") == b"1;1"


def test_empty_units_and_messages_are_nothing(lamp):
    assert lamp.receive(b" ; ;; ") is None
    assert lamp.receive(b"*CLS;;*IDN?;") == b"ACME,LAMP,1,1.0"
    assert errors(lamp) == []


def test_the_command_page_lists_what_a_box_answers(lamp):
    page = command_page(lamp)
    assert "| `:OUTPut` | set query | ON\\|OFF |  |  |" in page
    assert page.count("\n| `") == len(lamp.table.commands)
