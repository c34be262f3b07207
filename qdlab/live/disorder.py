"""The disorder screen: which curves wait for an EGDM fit, and the newest fit that came back."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from analysis.conventions import ConventionName
from analysis.curves import JVCurve
from analysis.disorder_fit import DisorderFit, fit_disorder

MINIMUM_TEMPERATURES = 2


@dataclass(frozen=True, kw_only=True)
class FitFinished:
    """A fit of one device's curves came back; it covers `curves` of them."""

    device: str
    curves: int
    fit: DisorderFit


@dataclass(frozen=True, kw_only=True)
class DisorderScreen:
    """Per device: the newest fit, and how many finished curves it covers.

    Parameters
    ----------
    fitting : the fit going on: its device and how many curves; None between fits
    failure : why the last fit gave nothing; empty where none failed
    """

    fits: Mapping[str, FitFinished] = field(default_factory=dict)
    fitting: tuple[str, int] | None = None
    failure: str = ""

    @property
    def words(self) -> str:
        """What the fitting is at; empty where there is nothing to say."""
        if self.failure:
            return f"no fit: {self.failure}"
        if self.fitting is None:
            return ""
        device, count = self.fitting
        return f"fitting {count} curves of {device} …"


def fold(screen: DisorderScreen, finished: FitFinished) -> DisorderScreen:
    """The screen with one more fit; an older fit never replaces a newer one."""
    known = screen.fits.get(finished.device)
    if known is not None and known.curves > finished.curves:
        return screen
    return replace(screen, fits={**screen.fits, finished.device: finished})


def is_due(screen: DisorderScreen, device: str, curves: list[JVCurve]) -> bool:
    """Whether a fit would tell something new: two temperatures or more, and a curve not fitted yet."""
    known = screen.fits.get(device)
    temperatures = {round(curve.temperature) for curve in curves}
    return len(temperatures) >= MINIMUM_TEMPERATURES and (known is None or known.curves < len(curves))


def fit(device: str, curves: list[JVCurve], *, convention: ConventionName = "li2024") -> FitFinished:
    """Fit one device's curves; runs in a worker process or where it is called, with the same result."""
    return FitFinished(device=device, curves=len(curves), fit=fit_disorder(curves, convention=convention))
