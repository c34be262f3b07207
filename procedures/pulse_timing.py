"""How pulses and the light meter's apertures fit together: a reading must hold whole pulses.

At 50 Hz one power-line cycle is exactly 20 pulses of 1 ms, at 60 Hz 16.67; an aperture that cuts a pulse
reads more or less light with the phase it happens to begin at.
"""

import math

USUAL_LINE_FREQUENCY = 50  # [Hz]; where only durations are estimated, before a bench is known
SHORTEST_APERTURE = 0.1  # [s]
MOST_CYCLES = 10  # of an electrometer's aperture


def whole_cycles(pulse_period: float, line_frequency: float) -> float:
    """Fewest line cycles of at least 0.1 s that hold whole pulses [1]; where none do, just 0.1 s."""
    fewest = math.ceil(SHORTEST_APERTURE * line_frequency)
    fitting = (n for n in range(fewest, MOST_CYCLES + 1) if _is_whole(n / line_frequency / pulse_period))
    return float(next(fitting, fewest))


def cut_pulse_remark(power_line_cycles: float, pulse_period: float, line_frequency: float) -> str | None:
    """What to say of an aperture that cuts a pulse; None where it holds whole ones."""
    pulses = power_line_cycles / line_frequency / pulse_period
    if _is_whole(pulses):
        return None
    better = whole_cycles(pulse_period, line_frequency)
    fits = _is_whole(better / line_frequency / pulse_period)
    way_out = f"{better:g} line cycles" if fits else "a period that fits into whole line cycles"
    return (
        f"a reading of {power_line_cycles:g} line cycles at {line_frequency:g} Hz holds {pulses:.4g} pulses: "
        f"it varies by up to {1 / pulses:.1%} with where it begins; use {way_out}"
    )


def _is_whole(pulses: float) -> bool:
    return pulses >= 1 and abs(pulses - round(pulses)) <= 1e-6 * pulses
