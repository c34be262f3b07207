"""What the envelope admits, and that two envelopes only ever get stricter together."""

import math
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.errors import LimitError
from instruments.limits import Demand, Envelope

NAMES = [field.name for field in fields(Envelope)]
envelopes = st.builds(
    Envelope, **{name: st.none() | st.floats(min_value=1e-12, max_value=1e12) for name in NAMES}
)


@pytest.mark.parametrize(
    ("limit", "inside", "outside"),
    [
        (Envelope(maximum_voltage=7.0), Demand(voltage=7.0), Demand(voltage=7.01)),
        (Envelope(maximum_current=0.01), Demand(current=0.01), Demand(current=0.0101)),
        (
            Envelope(maximum_current_density=2500.0, area=4e-6),
            Demand(current=0.01),
            Demand(current=0.0101),
        ),
        (Envelope(maximum_field=6e7, thickness=100e-9), Demand(voltage=6.0), Demand(voltage=6.1)),
        # 7 V and 10 mA on 4 mm² are 17.5 kW/m²
        (
            Envelope(maximum_power_density=17.6e3, area=4e-6),
            Demand(voltage=7.0, current=0.01),
            Demand(voltage=7.1, current=0.01),
        ),
        (Envelope(maximum_step=0.5), Demand(step=0.5), Demand(step=0.6)),
        (Envelope(maximum_slew=2.0), Demand(slew=2.0), Demand(slew=2.1)),
        (
            Envelope(maximum_duty_cycle=0.1),
            Demand(pulse_width=1e-4, pulse_period=1e-3),
            Demand(pulse_width=1.1e-4, pulse_period=1e-3),
        ),
        # 10 V behind 50 Ω put at most 0.5 W into any load: 50 µJ in 100 µs
        (
            Envelope(maximum_pulse_energy=51e-6),
            Demand(voltage=10.0, pulse_width=1e-4, pulse_period=1e-3),
            Demand(voltage=10.0, pulse_width=1.1e-4, pulse_period=1e-3),
        ),
        (Envelope(maximum_temperature=300.0), Demand(temperature=300.0), Demand(temperature=301.0)),
        (Envelope(minimum_temperature=200.0), Demand(temperature=200.0), Demand(temperature=199.0)),
        (
            Envelope(maximum_temperature_rate=0.05),
            Demand(temperature_rate=0.05),
            Demand(temperature_rate=0.06),
        ),
    ],
)
def test_each_limit_admits_its_value_and_nothing_beyond(limit, inside, outside):
    assert not limit.violations(inside)
    (sentence,) = limit.violations(outside).values()
    assert "maximum" in sentence or "minimum" in sentence


@pytest.mark.parametrize(
    ("limit", "demand"),
    [
        (Envelope(maximum_voltage=7.0), Demand(voltage=math.nan)),
        (Envelope(minimum_temperature=7.0), Demand(temperature=math.nan)),
        (Envelope(maximum_field=1e7), Demand(voltage=1.0)),
        (Envelope(maximum_current_density=1e3), Demand(current=1e-6)),
    ],
)
def test_what_is_not_known_is_not_admitted(limit, demand):
    assert limit.violations(demand)


def test_without_limits_everything_is_admitted():
    assert not Envelope().violations(Demand(voltage=1e3, current=1e3, temperature=1e3))


def test_a_period_of_nothing_is_on_all_the_time():
    assert Envelope(maximum_duty_cycle=1.0).violations(Demand(pulse_width=1e-3, pulse_period=0.0))


@given(envelopes, envelopes)
def test_two_envelopes_together_are_as_strict_as_either(first, second):
    together = first.tightened(second)
    for name in NAMES:
        values = [value for value in (getattr(first, name), getattr(second, name)) if value is not None]
        stricter = max if name.startswith("minimum") else min
        assert getattr(together, name) == (stricter(values) if values else None)


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_a_limit_that_limits_nothing_sensible_is_refused(value):
    with pytest.raises(ValueError, match="maximum_voltage"):
        Envelope(maximum_voltage=value)


def test_a_step_may_be_neither_too_large_nor_too_fast():
    envelope = Envelope(maximum_step=0.5, maximum_slew=1.0)
    envelope.check_step(1.0, 1.5, 0.5)
    with pytest.raises(LimitError, match="maximum_step"):
        envelope.check_step(1.0, 1.6, 10.0)
    with pytest.raises(LimitError, match="maximum_slew"):
        envelope.check_step(1.0, 1.5, 0.4)


def test_the_largest_voltage_of_a_device_is_that_of_its_field_where_that_is_lower():
    assert Envelope(maximum_voltage=10.0, maximum_field=7e7, thickness=100e-9).voltage_limit == pytest.approx(
        7.0
    )
    assert Envelope(
        maximum_current=0.1, maximum_current_density=2500, area=4e-6
    ).current_limit == pytest.approx(0.01)
