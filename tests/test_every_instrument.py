"""What every driver owes its users, checked on each of them in front of its simulated box."""

import inspect
import re

import pytest
from pymeasure.test import expected_protocol

from instruments import roles
from instruments.bench import Bench
from instruments.catalogue import DRIVERS
from instruments.door import Door, arming_token
from instruments.driver import Driver, HeaterEnd, HeaterPolicy
from instruments.errors import LimitError, NotArmedError
from instruments.link import parse_identity
from qdlab.simulators import open_simulated_bench
from sim_instruments.wiring import STANDS_IN, SimBench

PROTOCOLS = {
    "source_meter": roles.SourceMeter,
    "light_meter": roles.LightMeter,
    "pulse_generator": roles.PulseGenerator,
    "temperature_controller": roles.TemperatureController,
}
VERBS = ("Control ", "Get ", "Measure ", "Set ")
RANGE = re.compile(r"\((?:float|int) from (\S+) to (\S+?)\)")
WORDS = re.compile(r"\(str, (.+?)\)")


def properties(driver: type[Driver]) -> dict[str, property]:
    return {
        name: member
        for name, member in inspect.getmembers(driver, lambda member: isinstance(member, property))
        if not name.startswith("_") and any(name in vars(base) for base in driver.__mro__ if ours(base))
    }


def ours(base: type) -> bool:
    return base.__module__.startswith("instruments")


def ranged(driver: type[Driver]) -> dict[str, tuple[float, float]]:
    """Property -> its smallest and largest value, as its docstring says."""
    found = {
        name: RANGE.search(member.__doc__ or "")
        for name, member in properties(driver).items()
        if (member.__doc__ or "").startswith("Control ")
    }
    return {name: (float(match[1]), float(match[2])) for name, match in found.items() if match}


@pytest.fixture(params=[(role, box.name) for role, boxes in STANDS_IN.items() for box in boxes], ids=str)
def role_and_name(request: pytest.FixtureRequest) -> tuple[str, str]:
    return request.param


@pytest.fixture
def bench(role_and_name: tuple[str, str]) -> Bench:
    return open_simulated_bench(simulation=SimBench(seed=5, instead=[role_and_name[1]]))


@pytest.fixture
def box(bench: Bench, role_and_name: tuple[str, str]) -> Driver:
    return bench.stations[role_and_name[0]].driver


@pytest.fixture
def driver(box: Driver) -> type[Driver]:
    return type(box)


def test_every_driver_has_a_box_that_stands_in_for_it() -> None:
    models = {parse_identity(box.identity).model for boxes in STANDS_IN.values() for box in boxes}
    assert [name for name, driver in DRIVERS.items() if models.isdisjoint(driver.MODELS)] == []


def test_it_fits_its_role(role_and_name: tuple[str, str], driver: type[Driver]) -> None:
    protocol = PROTOCOLS[role_and_name[0]]
    wanted = {member for member in (*dir(protocol), *protocol.__annotations__) if not member.startswith("_")}
    assert wanted <= set(dir(driver))


def test_its_name_can_be_chosen_and_making_it_says_nothing(driver: type[Driver]) -> None:
    with expected_protocol(driver, [], name="mine") as instrument:
        assert instrument.name == "mine"


def test_its_properties_say_verb_unit_and_range(driver: type[Driver]) -> None:
    for name, member in properties(driver).items():
        doc = (member.__doc__ or "").strip()
        assert doc.startswith(VERBS), f"{driver.__name__}.{name}: {doc!r}"
        if doc.startswith(("Control ", "Set ")):
            assert "(" in doc, f"{driver.__name__}.{name} does not say what it takes"
        if "(float" in doc or doc.startswith("Measure"):
            assert re.search(r"\[.+?\]", doc), f"{driver.__name__}.{name} does not say its unit"


def test_what_lies_beyond_a_range_is_refused_before_a_byte_is_sent(driver: type[Driver]) -> None:
    for name, (low, high) in ranged(driver).items():
        beyond = (low - 1e-3 * max(abs(low), 1e-9) - 1e-12, high * 1.001 + 1e-12, float("nan"))
        for value in beyond:
            if name == "ramp":
                value = (True, value)
            with expected_protocol(driver, []) as instrument, pytest.raises(ValueError):
                setattr(instrument, name, value)


def test_everything_it_can_send_is_declared(bench: Bench, box: Driver, driver: type[Driver]) -> None:
    """Each property is set to what its docstring allows, and read; a header that is missing is refused."""
    bench.set_up()
    bench.arm(token=arming_token("test"))
    for name, member in properties(driver).items():
        doc = member.__doc__ or ""
        if doc.strip().startswith("Control "):
            for value in allowed_values(name, doc, present=getattr(box, name)):
                try:
                    setattr(box, name, value)
                except LimitError as refusal:
                    assert "declared" not in str(refusal), f"{driver.__name__}.{name} = {value!r}: {refusal}"
        getattr(box, name)


def allowed_values(name: str, doc: str, present: object) -> list[object]:
    if name == "ramp":
        return [(True, 0.05), (False, 0.0)]
    if "(bool" in doc:
        return [True, False]
    if match := RANGE.search(doc):
        number = int if "(int" in doc else float
        return [number(match[1]), number(match[2])]
    if match := WORDS.search(doc):
        return list(re.findall(r"\b[A-Z]{3,4}\b", match[1]))
    return [present]


def test_it_comes_to_a_known_state_and_its_simulated_box_has_nothing_to_complain_about(
    box: Driver, driver: type[Driver]
) -> None:
    assert box.identity.model in driver.MODELS
    box.set_up()
    assert box.check_errors() == []
    assert box.complete


def test_off_is_write_only_and_needs_neither_reset_nor_token(
    bench: Bench, box: Driver, driver: type[Driver]
) -> None:
    bench.identify()
    log = []
    bench.on_io = log.append
    box.off()
    assert [entry.text for entry in log] == list(driver.OFF)
    assert box.output_is_off


@pytest.mark.parametrize("policy", ["hold", "ramp", "off"])
def test_its_safe_end_is_declared_asks_nothing_and_needs_no_token(
    bench: Bench, box: Driver, policy: HeaterPolicy
) -> None:
    bench.set_up()
    log = []
    bench.on_io = log.append
    end = box.safe_end(HeaterEnd(policy=policy))
    for message in end.messages:
        box.write(message)
    assert [entry.text for entry in log] == list(end.messages)
    assert box.check_errors() == []
    assert not end.query or float(box.ask(end.query)) == float(end.expected)


def test_leaving_it_switches_off(driver: type[Driver]) -> None:
    with expected_protocol(driver, [(message, None) for message in driver.OFF]) as instrument, instrument:
        pass


def test_nothing_it_declares_energises_unarmed(bench: Bench, box: Driver) -> None:
    bench.set_up()
    door = box.adapter
    assert isinstance(door, Door)
    for message in (":OUTP ON", "OUTP1 ON", ":SOUR:CLE:AUTO ON;:INIT"):
        with pytest.raises((NotArmedError, LimitError)):
            door.write(message)


def test_no_header_that_measures_with_side_effects_is_declared(driver: type[Driver]) -> None:
    forbidden = (":MEAS", ":MEASURE:CURR", ":CONF:CURR", "SOUR1:APPL:PULS", "*RCL", "*TRG", ":SYST:PRES")
    for header in driver.HEADERS:
        assert not any(header.matches(text) for text in forbidden)
