"""The paper's campaign on the simulated bench, from instrument to report, and how much truth comes back.

One session with two devices: the hole-only film swept at five temperatures and the first again, the
light-emitting diode pulsed at seven amplitudes. It is recorded, read back from its files and analysed by the
live folds; nothing about the simulation reaches the analysis but the readings. All numbers come from the
simulated clock and the seed.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.constants import BOLTZMANN_CONSTANT, electronvolt, microsecond, nanometre
from analysis.curves import TELSeries
from analysis.disorder_fit import DisorderFit
from analysis.estimate import Estimate, Verdict
from analysis.published import li2024
from analysis.transit import fit_delay_time, fit_field_dependence, transit_mobility
from qdlab.campaign import CampaignResult, open_campaign_session, run_campaign, simulated_devices
from qdlab.config import PlanConfig, load_plan
from qdlab.control import Control, Progress
from qdlab.errors import QdlabError
from qdlab.events import Event
from qdlab.live.session import SessionScreen, folded
from qdlab.pulsed import EXTENSION
from qdlab.records import RunFeed, open_session
from qdlab.simulators import open_simulated_bench

if TYPE_CHECKING:
    from qdlab.report import Comparison

AGREEMENT = 3.0
"""Standard errors within which a recovered quantity agrees with what was put in [1]."""

PRINTED_DIGITS = 0.01
"""What rounding to the paper's two or three digits may hide, relative [1]."""

ROOM_TEMPERATURE = 297.0  # [K]
ZERO_DENSITY_COEFFICIENT = 0.42  # c2 of Pasveer 2005 and the paper, put in and fitted alike

Listener = Callable[[Event | Progress], None]


class DemoFailed(QdlabError):
    """The campaign on the simulated bench did not finish."""


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """One line of the demo's table, SI.

    Parameters
    ----------
    name : from the glossary
    label : for people, with the condition
    unit, scale : shown unit, and what one of it is in SI
    put_in : what the simulation was given, or what follows from it
    recovered : what the analysis found
    printed : in the paper; None where it prints none
    verdict : *good*, or why the number cannot be what was put in
    """

    name: str
    label: str
    unit: str
    scale: float
    put_in: float
    recovered: Estimate
    printed: float | None
    verdict: Verdict

    @property
    def deviation(self) -> float:
        """Recovered minus put in, in standard errors; NaN where there is none."""
        error = self.recovered.standard_error
        return (self.recovered.value - self.put_in) / error if error else math.nan

    @property
    def agrees(self) -> bool:
        """Whether recovered and put in agree."""
        return abs(self.deviation) <= AGREEMENT

    @property
    def is_accounted_for(self) -> bool:
        """Whether the number agrees, or its verdict says why it cannot."""
        return self.agrees or not self.verdict.is_good

    @property
    def consistency(self) -> str:
        """How the printed number stands to what follows from the others; empty where none is printed."""
        if self.printed is None:
            return ""
        notes = {note.subject: note.word for note in li2024.CONSISTENCY_NOTES}
        error = AGREEMENT * (self.recovered.standard_error or 0.0)
        near = abs(self.recovered.value - self.printed) <= max(error, PRINTED_DIGITS * abs(self.printed))
        return notes.get(self.name, "agrees" if near else "does not follow")

    def to_comparison(self) -> "Comparison":
        """The line as the report shows it."""
        from qdlab.report import Comparison

        return Comparison(
            quantity=f"{self.label} ({self.unit})",
            put_in=self.put_in / self.scale,
            recovered=replace(self.recovered.scaled(1 / self.scale), verdict=self.verdict),
            printed=None if self.printed is None else self.printed / self.scale,
            word=self.consistency,
        )

    def cells(self) -> tuple[str, str, str, str, str]:
        """Label with unit, put in, recovered, printed, verdict, as shown."""
        printed = "-" if self.printed is None else f"{self.printed / self.scale:.3g}"
        return (
            f"{self.label} ({self.unit})",
            f"{self.put_in / self.scale:.4g}",
            str(self.recovered.scaled(1 / self.scale)),
            printed,
            self.verdict.word,
        )


@dataclass(frozen=True, kw_only=True)
class DemoResult:
    """What the demo measured and found.

    Parameters
    ----------
    seed : of all noise
    session : the folder it was recorded in
    report : the HTML report
    campaign : how the measurement ended
    screen : everything the live folds made of it
    quantities : put into the simulation, recovered, printed in the paper
    """

    seed: int
    session: Path
    report: Path
    campaign: CampaignResult
    screen: SessionScreen
    quantities: tuple[Recovered, ...]


def demo_plan() -> PlanConfig:
    """The plan of the demo, which travels with the package."""
    with as_file(files("qdlab.demo_files")) as folder:
        return load_plan(folder / "plan-paper.toml")


def run_demo(
    output: Path,
    *,
    seed: int = 0,
    listener: Listener | None = None,
    saying: Callable[[str], None] = lambda words: None,
    control: Control | None = None,
) -> DemoResult:
    """Measure, record, read back, analyse and report.

    Parameters
    ----------
    output : folder the session's folder goes into
    seed : of all noise; the same seed gives the same numbers
    listener : hears events and progress of the campaign
    saying : hears in words what happens after it
    control : to stop it

    Raises
    ------
    DemoFailed : the campaign did not finish
    """
    from qdlab.report import write_session_report

    plan = demo_plan()
    bench = open_simulated_bench(seed=seed, devices=simulated_devices(plan))
    session = open_campaign_session(output, plan, bench)
    campaign = run_campaign(plan, bench, session, listener=listener, control=control)
    if campaign.end != "finished":
        raise DemoFailed(
            f"the demo's campaign ended {campaign.end}: {campaign.reason}; see {campaign.session}"
        )
    saying("analysing")
    screen = read_back(campaign.session)
    quantities = compare(screen, plan, bench.simulation.truth)
    saying("writing the report")
    report = campaign.session / "report.html"
    write_session_report(campaign.session, report, comparisons=[one.to_comparison() for one in quantities])
    return DemoResult(
        seed=seed,
        session=campaign.session,
        report=report,
        campaign=campaign,
        screen=screen,
        quantities=quantities,
    )


def read_back(path: Path) -> SessionScreen:
    """What the live folds make of a recorded session."""
    return folded(open_session(path).devices, RunFeed(path).events())


def compare(
    screen: SessionScreen, plan: PlanConfig, truth: Mapping[str, Mapping[str, Any]]
) -> tuple[Recovered, ...]:
    """The table: what was put in, what came back, what the paper prints."""
    hole_only = plan.devices["hole-only"].identifier
    light_emitting = plan.devices["light-emitting"].identifier
    return (
        *_disorder(screen, hole_only, truth[hole_only]),
        *_space_charge(screen, hole_only, truth[hole_only]),
        *_transit(screen, light_emitting, truth[light_emitting]),
    )


def _disorder(screen: SessionScreen, device: str, truth: Mapping[str, Any]) -> list[Recovered]:
    """Fig. 6: one set of EGDM parameters for all temperatures."""
    fit = screen.disorder.fits[device].fit
    rows = [
        ("disorder_width", "Disorder width (EGDM)", "eV", electronvolt, li2024.DISORDER_WIDTH.value),
        ("hopping_distance", "Hopping distance (EGDM)", "nm", nanometre, li2024.HOPPING_DISTANCE.value),
        ("mobility_prefactor", "Mobility prefactor (EGDM)", "m² V⁻¹ s⁻¹", 1.0, None),
    ]
    found = [
        Recovered(
            name=name,
            label=label,
            unit=unit,
            scale=scale,
            put_in=truth[name],
            recovered=fit.parameters[name],
            printed=printed,
            verdict=fit.parameters[name].verdict,
        )
        for name, label, unit, scale, printed in rows
    ]
    mobility = _mobility_at_vanishing_density(fit, ROOM_TEMPERATURE)
    return [
        *found,
        Recovered(
            name="zero_field_mobility",
            label="Mobility at p = 0, 297 K (EGDM)",
            unit="m² V⁻¹ s⁻¹",
            scale=1.0,
            put_in=truth["zero_field_mobility"][ROOM_TEMPERATURE],
            recovered=mobility,
            printed=None,
            verdict=mobility.verdict,
        ),
    ]


def _mobility_at_vanishing_density(fit: DisorderFit, temperature: float) -> Estimate:
    """μ₀ exp(-c₂ (σ/kT)²) (Li et al. 2024, eq. 5a) with the fit's covariance."""
    names = list(fit.parameters)
    width, prefactor = fit.parameters["disorder_width"], fit.parameters["mobility_prefactor"]
    kt = BOLTZMANN_CONSTANT * temperature
    exponent = ZERO_DENSITY_COEFFICIENT * (width.value / kt) ** 2
    gradient = np.zeros(len(names))
    gradient[names.index("disorder_width")] = -2 * exponent / width.value
    gradient[names.index("mobility_prefactor")] = 1 / prefactor.value
    value = prefactor.value * math.exp(-exponent)
    return Estimate(
        value=value,
        standard_error=value * math.sqrt(float(gradient @ fit.covariance @ gradient)),
        verdict=width.verdict,
    )


def _space_charge(screen: SessionScreen, device: str, truth: Mapping[str, Any]) -> list[Recovered]:
    """Figs. 2a and 5: the quadratic law's mobility and its activation energy; EGDM obeys neither."""
    put_in = truth["zero_field_mobility"]
    fit = next(run.fit for run in screen.jv.finished if run.started.device == device)
    assert fit is not None
    crowded = Verdict(
        word="outside_validity",
        advice=(
            "The space charge fills the tail of the Gaussian density of states, so holes move faster than at "
            "vanishing density; only a fit of the whole curve with a density-dependent mobility undoes that."
        ),
    )
    rows = [
        Recovered(
            name="zero_field_mobility",
            label="Mott-Gurney mobility, 297 K",
            unit="m² V⁻¹ s⁻¹",
            scale=1.0,
            put_in=put_in[ROOM_TEMPERATURE],
            recovered=fit.zero_field_mobility,
            printed=li2024.ZERO_FIELD_MOBILITY.value,
            verdict=fit.zero_field_mobility.verdict,
        ),
        Recovered(
            name="zero_field_mobility",
            label="The same without diffusion, 297 K",
            unit="m² V⁻¹ s⁻¹",
            scale=1.0,
            put_in=put_in[ROOM_TEMPERATURE],
            recovered=fit.corrected_mobility,
            printed=None,
            verdict=crowded,
        ),
    ]
    arrhenius = screen.jv.arrhenius.get(device)
    if arrhenius is not None:
        energy = arrhenius.activation_energy
        put_in_energy = _activation_energy(put_in, arrhenius.temperature)
        rows.append(
            Recovered(
                name="activation_energy",
                label="Activation energy of Mott-Gurney mobility",
                unit="eV",
                scale=electronvolt,
                put_in=put_in_energy,
                recovered=energy,
                printed=li2024.ACTIVATION_ENERGY.value,
                verdict=crowded,
            )
        )
    return rows


def _activation_energy(mobility: Mapping[float, float], temperatures: Any) -> float:
    """Slope of -ln mu against 1/kT between the hottest and the coldest temperature that was read [J]."""
    known = [kelvin for kelvin in mobility if min(temperatures) - 1 < kelvin < max(temperatures) + 1]
    hot, cold = max(known), min(known)
    inverse = 1 / (BOLTZMANN_CONSTANT * cold) - 1 / (BOLTZMANN_CONSTANT * hot)
    return math.log(mobility[hot] / mobility[cold]) / inverse


def _transit(screen: SessionScreen, device: str, truth: Mapping[str, Any]) -> list[Recovered]:
    """Figs. 3 and 4: delay times and transit mobilities, on the printed grid and with the extension."""
    described = screen.tel.devices[device]
    series = {series.pulse_amplitude: series for series, _ in screen.tel.fits(device)}
    lowest, highest = min(series), max(series)

    def rows(one: TELSeries, grid: str) -> list[Recovered]:
        amplitude = one.pulse_amplitude
        delay = fit_delay_time(one).delay_time
        where = f"{amplitude:g} V, {grid}"
        found = [
            Recovered(
                name="delay_time",
                label=f"Delay time, {where}",
                unit="µs",
                scale=microsecond,
                put_in=truth["delay_time"][amplitude],
                recovered=delay,
                printed=None,
                verdict=delay.verdict,
            )
        ]
        if not math.isfinite(delay.value) or delay.value <= 0:
            return found
        mobility = transit_mobility(
            delay, described.thickness, _voltage(one), described.built_in_voltage.value
        ).mobility
        found.append(
            Recovered(
                name="transit_mobility",
                label=f"Transit mobility, {where}",
                unit="m² V⁻¹ s⁻¹",
                scale=1.0,
                put_in=truth["transit_mobility"][amplitude],
                recovered=mobility,
                printed=li2024.TRANSIT_MOBILITY.value if amplitude == lowest else None,
                verdict=mobility.verdict,
            )
        )
        return found

    return [
        *rows(_printed_grid(series[lowest]), "to 100 µs"),
        *rows(series[lowest], "to 300 µs"),
        *rows(series[highest], "to 300 µs"),
        _field_coefficient(screen, device, truth),
    ]


def _field_coefficient(screen: SessionScreen, device: str, truth: Mapping[str, Any]) -> Recovered:
    """Fig. 4: the slope of ln mu against E^1/2."""
    described = screen.tel.devices[device]
    found = [
        transit_mobility(
            fit.delay_time, described.thickness, _voltage(series), described.built_in_voltage.value
        )
        for series, fit in screen.tel.fits(device)
        if fit.verdict.is_good
    ]
    line = fit_field_dependence(
        [one.electric_field for one in found],
        [one.mobility.value for one in found],
        [one.mobility.standard_error or math.nan for one in found],
    )
    return Recovered(
        name="field_coefficient",
        label="Field coefficient of transit mobility",
        unit="(m/V)^½",
        scale=1.0,
        put_in=truth["field_coefficient"],
        recovered=line.field_coefficient,
        printed=None,
        verdict=line.verdict,
    )


def _printed_grid(series: TELSeries) -> TELSeries:
    """The series without the labelled extension."""
    return series.select(~series.flagged(EXTENSION))


def _voltage(series: TELSeries) -> float:
    return series.pulse_amplitude if series.device_voltage is None else series.device_voltage
