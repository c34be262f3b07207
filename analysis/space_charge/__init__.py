"""Space-charge-limited current: closed forms, local slope, quadratic window, field and thickness dependence.

A number from here is only as good as the points it was read from, so every fit says which it used, why there
is no window where there is none, and what the mobility becomes if the window moves.

`laws` are closed forms, `slope` and `window` read one curve, `murgatroyd` and `thickness` many, `points` says
which readings to distrust; each is short enough to be read at once.
"""

from analysis.space_charge.laws import (
    diffusion_enhancement,
    mott_gurney_current_density,
    murgatroyd_current_density,
)
from analysis.space_charge.murgatroyd import (
    MurgatroydFit,
    fit_murgatroyd,
    rising_points,
    select_points,
)
from analysis.space_charge.points import (
    DISQUALIFYING_FLAGS,
    common_ceiling,
    detect_breakdown,
    detect_compliance,
    detect_hysteresis,
    detect_leakage,
    detect_noise_floor,
    detect_offset,
    detect_range_switch,
    detect_self_heating,
    detect_series_resistance,
    judge_noise,
    mark_points,
    usable_points,
)
from analysis.space_charge.slope import LocalSlope, local_slope
from analysis.space_charge.thickness import ThicknessScaling, fit_thickness_scaling
from analysis.space_charge.window import SpaceChargeFit, common_window, fit_space_charge

__all__ = [
    "DISQUALIFYING_FLAGS",
    "LocalSlope",
    "MurgatroydFit",
    "SpaceChargeFit",
    "ThicknessScaling",
    "common_ceiling",
    "common_window",
    "detect_breakdown",
    "detect_compliance",
    "detect_hysteresis",
    "detect_leakage",
    "detect_noise_floor",
    "detect_offset",
    "detect_range_switch",
    "detect_self_heating",
    "detect_series_resistance",
    "diffusion_enhancement",
    "fit_murgatroyd",
    "fit_space_charge",
    "fit_thickness_scaling",
    "judge_noise",
    "local_slope",
    "mark_points",
    "mott_gurney_current_density",
    "murgatroyd_current_density",
    "rising_points",
    "select_points",
    "usable_points",
]
