"""The diffusion-corrected mobility against the exact solution of drift and diffusion with constant mobility.

The numbers are a symmetric ohmic diode of 110 nm, relative permittivity 4, 4.4e-11 m²/Vs, 297 K and contact
densities of half a site per (2.8 nm)³, computed with Airy functions in 60 digits.
"""

import numpy as np
import pytest

from analysis.curves import JVCurve
from analysis.space_charge import diffusion_enhancement, fit_space_charge, mott_gurney_current_density

EXACT_ENHANCEMENT = {0.1: 9.04, 0.5: 2.67, 1.0: 1.915, 2.0: 1.514, 4.0: 1.292, 7.0: 1.185}
MOBILITY = 4.4e-11


def exact_curve(reference_data) -> JVCurve:
    table = np.loadtxt(reference_data / "constant_mobility_exact.csv", delimiter=",", skiprows=2)
    return JVCurve(
        voltage=table[:, 0],
        current_density=table[:, 1],
        temperature=297.0,
        thickness=110e-9,
        relative_permittivity=4.0,
    )


def test_exact_enhancement_is_reproduced_at_every_voltage() -> None:
    found = diffusion_enhancement(list(EXACT_ENHANCEMENT), 297.0, 110e-9, 4.0)
    np.testing.assert_allclose(found, list(EXACT_ENHANCEMENT.values()), rtol=2e-3)


def test_a_mobility_read_from_the_exact_curve_is_high_and_its_correction_is_not(reference_data) -> None:
    fit = fit_space_charge(exact_curve(reference_data), window=(2.0, 7.0))
    assert fit.zero_field_mobility.value > 1.2 * MOBILITY
    assert fit.zero_field_mobility.verdict.word == "outside_validity"
    assert fit.corrected_mobility.value == pytest.approx(MOBILITY, rel=1e-3)
    assert fit.corrected_mobility.verdict.word == "good"


def test_a_corrected_mobility_that_depends_on_the_field_is_not_called_good() -> None:
    voltage = np.geomspace(1.0, 5.0, 30)
    quadratic = mott_gurney_current_density(voltage, MOBILITY, 110e-9, 4.0)
    curve = JVCurve(
        voltage=voltage,
        current_density=quadratic,
        temperature=297.0,
        thickness=110e-9,
        relative_permittivity=4.0,
    )
    fit = fit_space_charge(curve)
    assert fit.window is not None
    assert fit.corrected_mobility.verdict.word == "not_straight"


def test_diffusion_is_negligible_in_a_thick_film_at_high_voltage() -> None:
    assert diffusion_enhancement([40.0], 297.0, 500e-9, 3.0)[0] < 1.07
