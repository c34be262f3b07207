"""qdlab in a notebook or a script of your own: sessions, curves, fits and figures, one call each::

    import qdlab

    session = qdlab.open_session("sessions/20260101T000000Z-my-film")
    session.jv_curves().to_pandas()
    session.jv_curves().figure()
    qdlab.show(session.analyse())

Everything here is SI; figures are matplotlib's own (shown by ``%matplotlib inline``, saved by ``savefig``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.arrhenius import fit_arrhenius
from analysis.conventions import ConventionName
from analysis.curves import JVCurve, TELSeries
from analysis.device import Device
from analysis.disorder_fit import fit_disorder
from analysis.space_charge import SpaceChargeFit, fit_murgatroyd, fit_space_charge
from analysis.transit import DelayFit, fit_delay_time, transit_mobility
from procedures import columns
from qdlab.importers import import_jv_files
from qdlab.measured import JVAnalysis, analyse_jv
from qdlab.records import Session, curves
from qdlab.records import open_session as read_session
from qdlab.results import SessionResults, analyse_recorded

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

__all__ = [
    "JVCurves",
    "NotebookSession",
    "PulseSeries",
    "fit_arrhenius",
    "fit_delay_time",
    "fit_disorder",
    "fit_murgatroyd",
    "fit_space_charge",
    "open_session",
    "read_jv_files",
    "show",
    "transit_mobility",
]


class JVCurves(tuple[JVCurve, ...]):
    """J-V curves, a tuple of them with what one does to all at once."""

    def __repr__(self) -> str:
        return "\n".join([f"{len(self)} J-V curves", *(f"  {_told(curve)}" for curve in self)])

    def _repr_html_(self) -> str:
        rows = [
            (
                curve.label,
                f"{curve.temperature:.1f}",
                f"{curve.thickness * 1e9:.4g}",
                _span(curve),
                str(len(curve)),
            )
            for curve in self
        ]
        return _html(("curve", "T (K)", "L (nm)", "voltage (V)", "points"), rows)

    def to_pandas(self) -> "DataFrame":
        """One row a point, with the curve it belongs to; SI."""
        from pandas import DataFrame

        rows = [
            (
                number,
                curve.label,
                curve.temperature,
                curve.thickness,
                voltage,
                density,
                " ".join(sorted(words)),
            )
            for number, curve in enumerate(self)
            for voltage, density, words in zip(curve.voltage, curve.current_density, curve.flags, strict=True)
        ]
        headings = ("curve", "label", "Temperature (K)", "Thickness (m)")
        return DataFrame(rows, columns=[*headings, columns.VOLTAGE, columns.CURRENT_DENSITY, "flags"])

    def fit_space_charge(self, *, relative_permittivity: float | None = None) -> list[SpaceChargeFit]:
        """The quadratic law in each curve.

        Parameters
        ----------
        relative_permittivity : of the film [1]; None: what the curves state themselves
        """
        return [fit_space_charge(curve, relative_permittivity=relative_permittivity) for curve in self]

    def analyse(
        self,
        *,
        relative_permittivity: float | None = None,
        convention: ConventionName = "li2024",
        with_disorder: bool = True,
        with_model_range: bool = True,
    ) -> JVAnalysis:
        """Space charge, temperature laws and the disorder fit of all curves together.

        Parameters
        ----------
        relative_permittivity : of the film [1]; None: what the curves state themselves
        convention : how the disorder model is written
        with_disorder, with_model_range : fit it, and refit it under other models, which takes seconds

        Raises
        ------
        ValueError
            Where neither the call nor the curves say one permittivity.
        """
        stated = {curve.relative_permittivity for curve in self}
        permittivity = (
            stated.pop() if relative_permittivity is None and len(stated) == 1 else relative_permittivity
        )
        if permittivity is None:
            raise ValueError("the film's permittivity is not known; give relative_permittivity, such as 3.6")
        return analyse_jv(
            self,
            relative_permittivity=permittivity,
            convention=convention,
            with_disorder=with_disorder,
            with_model_range=with_model_range,
        )

    def figure(self) -> "Figure":
        """Current density against voltage, both logarithmic, with the quadratic law where it was found."""
        from qdlab.figures import current_density_figure

        fits = [fit_space_charge(curve) if curve.relative_permittivity else None for curve in self]
        return current_density_figure(self, fits)


class PulseSeries(tuple[TELSeries, ...]):
    """Light against pulse width, one series a pulse amplitude, with what one does to all at once."""

    def __repr__(self) -> str:
        return "\n".join([f"{len(self)} pulse series", *(f"  {_told_series(series)}" for series in self)])

    def _repr_html_(self) -> str:
        rows = [
            (f"{series.pulse_amplitude:g}", f"{series.temperature:.1f}", _widths(series), str(len(series)))
            for series in self
        ]
        return _html(("amplitude (V)", "T (K)", "pulse width (µs)", "points"), rows)

    def to_pandas(self) -> "DataFrame":
        """One row a point, with its pulse amplitude; SI."""
        from pandas import DataFrame

        rows = [
            (series.pulse_amplitude, series.temperature, width, light, " ".join(sorted(words)))
            for series in self
            for width, light, words in zip(
                series.pulse_width, series.light_current, series.flags, strict=True
            )
        ]
        headings = (columns.PULSE_AMPLITUDE, "Temperature (K)", columns.PULSE_WIDTH, columns.LIGHT_CURRENT)
        return DataFrame(rows, columns=[*headings, "flags"])

    def fit_delay_times(self) -> list[DelayFit]:
        """The delay time of each series."""
        return [fit_delay_time(series) for series in self]

    def figure(self) -> "Figure":
        """Light current against pulse width, with the lines that meet the axis at the delay times."""
        from qdlab.figures import delay_figure

        return delay_figure(self, self.fit_delay_times())


@dataclass(frozen=True, kw_only=True, repr=False)
class NotebookSession:
    """A recorded session.

    Parameters
    ----------
    record : everything in it, as read and checked
    """

    record: Session

    def __repr__(self) -> str:
        rows = sum(len(run.rows) for run in self.record.runs)
        facts = f"session {self.record.name!r}: {self.record.end}, {len(self.record.runs)} runs, {rows} rows"
        return "\n".join([facts, *(f"  {name}" for name in self.record.devices)])

    def _repr_html_(self) -> str:
        rows = [
            (run.name, run.header.device, run.utc, str(len(run.rows)), run.end) for run in self.record.runs
        ]
        return f"<p>{escape(repr(self))}</p>" + _html(("run", "device", "started", "rows", "end"), rows)

    @property
    def devices(self) -> dict[str, Device]:
        """By identifier."""
        return dict(self.record.devices)

    def jv_curves(self, device: str | None = None) -> JVCurves:
        """One curve a sweep, in the order of measurement; of every device where none is named."""
        return JVCurves(curves.jv_curves(self.record, device))

    def tel_series(self, device: str | None = None) -> PulseSeries:
        """One series a pulse amplitude; of every device where none is named."""
        return PulseSeries(curves.tel_series(self.record, device))

    @property
    def runs(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(run.name for run in self.record.runs)

    def to_pandas(self, run: str | None = None) -> "DataFrame":
        """The rows as recorded: of one run, by its name, or of all runs, NaN where one has no such column."""
        from pandas import DataFrame, concat

        if run is None:
            frames = [self.to_pandas(name).assign(run=name) for name in self.runs]
            return concat(frames, ignore_index=True) if frames else DataFrame()
        if run not in self.runs:
            raise ValueError(f"no run {run!r} in this session; there are {', '.join(self.runs)}")
        rows = self.record.run(run).rows
        flags = [" ".join(sorted(words)) for words in rows.flags]
        times = {"sequence": rows.sequence, "time (s)": rows.time, "utc": rows.utc}
        return DataFrame({**times, **rows.values, "flags": flags})

    def analyse(
        self, *, convention: ConventionName = "li2024", with_model_range: bool = True
    ) -> SessionResults:
        """Everything the session says about its devices, as ``qdlab analyse`` finds it.

        Parameters
        ----------
        convention : how the disorder model is written
        with_model_range : refit it under other models too
        """
        return analyse_recorded(self.record.path, convention=convention, with_model_range=with_model_range)


def open_session(path: str | Path) -> NotebookSession:
    """Read a session, checking every line of it.

    Raises
    ------
    RecordError : a line that cannot be believed, or no session there
    """
    return NotebookSession(record=read_session(Path(path)))


def read_jv_files(
    patterns: str | Path | Sequence[str | Path],
    *,
    unit: str | None = None,
    thickness: float | None = None,
    temperature: float | None = None,
    area: float | None = None,
    relative_permittivity: float | None = None,
) -> JVCurves:
    """J-V curves from text files of any program; see `qdlab.importers.import_jv_files`.

    Parameters
    ----------
    patterns : paths, or patterns with ``*`` and ``?``
    unit : of the current where a file does not say it, such as "mA/cm2"
    thickness, temperature : [m], [K], where a file or its name does not say them
    area : of the electrode [m²], where a file holds a current
    relative_permittivity : of the film [1]
    """
    return JVCurves(
        import_jv_files(
            patterns,
            unit=unit,
            thickness=thickness,
            temperature=temperature,
            area=area,
            relative_permittivity=relative_permittivity,
        )
    )


def show(results: JVAnalysis | SessionResults) -> None:
    """Print results as tables, each number with its uncertainty and its verdict."""
    from rich.console import Console

    from qdlab.measured_tables import analysis_tables, session_tables

    console = Console()
    tables = analysis_tables(results) if isinstance(results, JVAnalysis) else session_tables(results)
    for table in tables:
        console.print(table, markup=False, highlight=False)


def _told(curve: JVCurve) -> str:
    name = f"{curve.label}: " if curve.label else ""
    where = f"{curve.temperature:.1f} K, {curve.thickness * 1e9:.4g} nm"
    return f"{name}{where}, {len(curve)} points, {_span(curve)} V"


def _told_series(series: TELSeries) -> str:
    where = f"{series.pulse_amplitude:g} V, {series.temperature:.1f} K"
    return f"{where}, {len(series)} widths, {_widths(series)} µs"


def _span(curve: JVCurve) -> str:
    return f"{curve.voltage.min():.4g} to {curve.voltage.max():.4g}" if len(curve) else "-"


def _widths(series: TELSeries) -> str:
    shortest, longest = series.pulse_width.min() * 1e6, series.pulse_width.max() * 1e6
    return f"{shortest:g} to {longest:g}"


def _html(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in headings)
    body = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
