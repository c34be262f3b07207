"""How papers write the disorder model: a fit follows one of them, by name."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from analysis.drift_diffusion.solution import Statistics

ConventionName = Literal["li2024", "felekidis2018"]
"""The names of `CONVENTIONS`, for whoever chooses one."""

Prefactor = Literal["mobility_prefactor", "attempt_rate"]


@dataclass(frozen=True, kw_only=True)
class Convention:
    """How one paper writes the model.

    Parameters
    ----------
    name, source : of the paper
    prefactor : the parameter that scales the mobility
    zero_density_coefficient : c2 [1]
    prefactor_factor : c1 of mu0 = c1 nu0 a²/sigma [1]; plays no part for a mobility_prefactor
    reduced_field_cap, density_cap : as in `EGDM`
    statistics : "classical" or "gaussian"
    barriers : contacts given by barriers; otherwise ohmic
    """

    name: str
    source: str
    prefactor: Prefactor
    zero_density_coefficient: float
    prefactor_factor: float = 1.0
    reduced_field_cap: float | None = None
    density_cap: float | None = None
    statistics: "Statistics" = "classical"
    barriers: bool = False

    def sentences(self) -> list[str]:
        """The convention in words, for a report."""
        caps = f"e E a/sigma <= {self.reduced_field_cap}" if self.reduced_field_cap else "no cap on the field"
        caps += f", p a³ <= {self.density_cap}" if self.density_cap else ", no cap on the density"
        return [
            f"{self.name}: {self.source}",
            f"zero-density coefficient c2 = {self.zero_density_coefficient}; {caps}",
            f"{self.statistics} Einstein relation; {'barrier' if self.barriers else 'ohmic'} contacts",
        ]


CONVENTIONS: dict[str, Convention] = {
    "li2024": Convention(
        name="li2024",
        source="Li et al., Adv. Electron. Mater. (2024), equation 5, caps of van Mensfoort and Coehoorn",
        prefactor="mobility_prefactor",
        zero_density_coefficient=0.42,
        reduced_field_cap=2.0,
        density_cap=0.1,
    ),
    # c1 = 1 reproduces the errors printed in tables S2 to S6; the paper's text says 0.87
    "felekidis2018": Convention(
        name="felekidis2018",
        source="Felekidis et al., Org. Electron. 61, 318 (2018), mu0 = nu0 a²/sigma",
        prefactor="attempt_rate",
        zero_density_coefficient=0.44,
        barriers=True,
    ),
}
