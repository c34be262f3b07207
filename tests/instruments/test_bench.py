"""All boxes together: armed and disarmed, made safe whatever one of them does."""

import threading

import pytest

from instruments.bench import HeaterEnd, arming_token
from instruments.errors import LimitError, NotArmedError
from instruments.limits import Envelope
from qdlab.simulators import open_simulated_bench
from sim_instruments.faults import Fault
from sim_instruments.scpi import CommandTable
from sim_instruments.wiring import SimBench


@pytest.fixture
def energised(simulated):
    """Source meter and generator on, heater on."""
    simulated.arm_for_test()
    simulated.source_meter.configure(compliance_current=0.01, maximum_voltage=8.0)
    simulated.source_meter.voltage = 3.0
    simulated.source_meter.switch_on()
    simulated.pulse_generator.configure_pulse(pulse_amplitude=5.0, pulse_width=5e-5, pulse_period=1e-3)
    simulated.pulse_generator.switch_on()
    return simulated


def outputs(bench):
    return bench.simulation.keithley2400.is_on, bench.simulation.mfg2230m.channels[1].on


def test_every_box_says_who_it_is(simulated):
    identities = simulated.identify()
    assert {role: identity.model for role, identity in identities.items()} == {
        "source_meter": "2400",
        "pulse_generator": "MFG-2230M",
        "light_meter": "6514",
        "temperature_controller": "336",
    }


def test_connecting_and_setting_up_energise_nothing():
    bench = open_simulated_bench(seed=1)
    changes = []
    for box in bench.simulation.boxes.values():
        box.witness = lambda box, on, volts: changes.append((box.name, on, volts))
    bench.identify()
    bench.set_up()
    for box in bench.boxes.values():
        box.check_errors()
    bench.close()
    assert not any(on for _, on, _ in changes)


def test_safe_switches_everything_off_and_says_how_long_it_took(energised):
    reports = {report.box: report for report in energised.safe()}
    assert outputs(energised) == (False, False)
    assert all(report.confirmed for report in reports.values())
    assert reports["2400"].message.startswith("2400 OFF confirmed ")
    assert reports["2400"].message.endswith(" ms")
    assert reports["336"].message.startswith("336 ramps to 297 K confirmed ")
    assert reports["2400"].duration < 0.1


def test_safe_sends_off_to_every_box_before_it_asks_any(energised):
    log = []
    energised.on_io = log.append
    energised.safe()
    sent = [entry.text for entry in log if entry.direction == "out"]
    assert sent[:3] == [":OUTP OFF", "OUTP1 OFF", ":SYST:ZCH ON"]
    first_question = next(index for index, text in enumerate(sent) if "?" in text)
    assert first_question == 5  # two more lead the heater to room temperature


def test_safe_disarms(energised):
    energised.safe()
    assert not energised.armed
    with pytest.raises(NotArmedError):
        energised.source_meter.switch_on()


@pytest.mark.parametrize("role", ["source_meter", "pulse_generator", "light_meter", "temperature_controller"])
def test_a_box_that_fails_keeps_off_from_no_other(energised, monkeypatch, role):
    def broken(*_, **__):
        raise RuntimeError("the library crashed")

    monkeypatch.setattr(energised.stations[role].door.line, "send_off", broken)
    monkeypatch.setattr(energised.stations[role].door.line, "ask", broken)
    monkeypatch.setattr(energised.stations[role].door.line, "write", broken)
    reports = energised.safe()
    failed = [report for report in reports if not report.confirmed]
    assert len(failed) == 1
    assert failed[0].message.endswith("the library crashed): switch it off by hand") or failed[
        0
    ].message.endswith("the library crashed: switch it off by hand")
    expected = (role == "source_meter", role == "pulse_generator")
    assert outputs(energised) == expected


def test_a_bus_that_hangs_delays_off_on_no_other(simulated, monkeypatch):
    simulated.kind = "hardware"
    elsewhere = threading.Event()
    first, second = (simulated.stations[role].door.line for role in ("source_meter", "pulse_generator"))
    waited = []

    def hang_until_the_other_was_told(messages):
        waited.append(elsewhere.wait(10))

    monkeypatch.setattr(first, "send_off", hang_until_the_other_was_told)
    monkeypatch.setattr(second, "send_off", lambda messages: elsewhere.set())
    simulated.safe()
    assert waited == [True]


def test_a_box_that_stays_on_is_told_again_and_then_reported(energised, monkeypatch):
    monkeypatch.setattr(type(energised.simulation.keithley2400), "switch", lambda self, on: None)
    log = []
    energised.on_io = log.append
    report = energised.safe()[0]
    assert not report.confirmed
    assert report.message == "2400 says it is still on: switch it off by hand"
    assert [entry.text for entry in log].count(":OUTP OFF") > 3
    assert 6.0 < report.duration < 9.0


@pytest.mark.parametrize(
    ("policy", "heater_range", "message"),
    [
        ("hold", 3, "336 holds its temperature"),
        ("off", 0, "336 heater OFF confirmed"),
        ("ramp", 3, "336 ramps to 290 K"),
    ],
)
def test_the_heater_ends_by_its_own_policy(policy, heater_range, message):
    end = HeaterEnd(policy=policy, temperature=290.0, rate=0.1)
    bench = open_simulated_bench(seed=1, heater_end=end)
    bench.set_up()
    reports = bench.safe()
    assert reports[-1].message.startswith(message)
    assert bench.temperature_controller.heater_range == heater_range


def test_a_device_can_only_tighten_what_the_bench_allows():
    bench = open_simulated_bench(seed=1, envelope=Envelope(maximum_voltage=8.0, maximum_current=0.05))
    bench.set_up()
    bench.use_envelope(Envelope(maximum_voltage=100.0, maximum_current=0.01))
    assert (bench.envelope.maximum_voltage, bench.envelope.maximum_current) == (8.0, 0.01)
    with pytest.raises(LimitError):
        bench.source_meter.voltage = 9.0
    bench.use_envelope(Envelope())
    assert bench.envelope.maximum_current == 0.05  # the next device starts from the bench's own


def test_the_guardian_needs_nothing_for_boxes_that_live_in_this_process(simulated):
    assert simulated.off_instructions(dict) == []


def test_every_exchange_is_announced_whichever_bus_it_is_on(simulated):
    announced = []
    simulated.on_deadline = announced.append
    simulated.identify()
    assert len(announced) >= len(simulated.boxes)
    assert all(0 < seconds < 10 for seconds in announced)


def test_closing_makes_safe_first(energised):
    energised.close()
    assert outputs(energised) == (False, False)


def test_a_guardian_that_is_gone_stops_the_next_step_up(simulated):
    standing_by = [True]
    simulated.arm(token=arming_token("test", valid=lambda: standing_by[0]))
    simulated.source_meter.configure(compliance_current=0.01, maximum_voltage=8.0)
    simulated.source_meter.switch_on()
    standing_by[0] = False
    assert not simulated.armed
    with pytest.raises(NotArmedError):
        simulated.source_meter.voltage = 1.0
    simulated.source_meter.off()
    assert outputs(simulated)[0] is False


@pytest.mark.parametrize(
    ("device", "message"),
    [
        (Envelope(maximum_temperature=290.0), "336 ramps to 290 K"),
        (Envelope(maximum_temperature_rate=0.01), "336 ramps to 297 K"),
        (Envelope(minimum_temperature=300.0), "336 ramps to 300 K"),
    ],
)
def test_a_device_stricter_than_the_bench_does_not_keep_the_stage_from_going_home(simulated, device, message):
    simulated.use_envelope(device)
    reports = simulated.safe()
    (told,) = (report.message for report in reports if report.box == "336")
    assert told.startswith(f"{message} confirmed ")
    assert all(report.confirmed for report in reports)


def test_a_controller_that_does_not_answer_is_not_said_to_ramp(simulated):
    simulated.simulation.inject("lakeshore336", Fault("deaf", matching=b"SETP", lasts=60.0))
    (told,) = (report for report in simulated.safe() if report.box == "336")
    assert not told.confirmed
    assert told.message.startswith("336 cannot be reached") and told.message.endswith("switch it off by hand")


def test_boxes_that_integrate_are_told_the_mains_and_it_is_verified():
    bench = open_simulated_bench(simulation=SimBench(seed=1, mains_frequency=50.0), line_frequency=60)
    bench.set_up()
    assert bench.source_meter.line_frequency_setting == 60
    assert bench.light_meter.line_frequency_setting == 60
    assert bench.remarks == []


def test_an_electrometer_that_knows_no_line_frequency_is_remarked_and_used(monkeypatch):
    simulation = SimBench(seed=1)
    box = simulation.keithley6514
    known = [command for command in box.table.commands if "LFRequency" not in command.header]
    monkeypatch.setattr(box, "table", CommandTable(known, box.unit_pattern))
    bench = open_simulated_bench(simulation=simulation)
    bench.set_up()
    (remark,) = bench.remarks
    assert remark.startswith("6514 takes no line frequency (-113")
    assert remark.endswith("check on its front panel that it is 50 Hz")


def test_boxes_that_hear_no_question_behind_their_name_are_identified_and_set_up():
    bench = open_simulated_bench(seed=1)
    for box in bench.simulation.boxes.values():
        box.name_ends_answers = True
    bench.set_up()
    assert {role: named.model for role, named in bench.identify().items()} == {
        "source_meter": "2400",
        "pulse_generator": "MFG-2230M",
        "light_meter": "6514",
        "temperature_controller": "336",
    }
    for box in bench.simulation.boxes.values():
        assert -440 not in box.errors
