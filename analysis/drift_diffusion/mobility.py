"""Mobility models: constant, Poole-Frenkel, and the extended Gaussian disorder model (EGDM)."""

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from analysis.constants import BOLTZMANN_CONSTANT, ELEMENTARY_CHARGE, electronvolt
from analysis.curves import FloatArray

LOWEST_REDUCED_DISORDER = 1.8  # below it the EGDM's density exponent turns negative
VALID_REDUCED_DISORDER = (3.0, 6.0)  # where Pasveer et al. fitted their formula


class MobilityLaw(NamedTuple):
    """A mobility model's numbers at one temperature, in the one form the compiled solver knows.

    ln mobility = log_mobility + density_amplitude min(2 c, 2 density_cap)^density_exponent
                  + field_amplitude [sqrt(1 + 0.8 x²) - 1] + frenkel_slope sqrt(field),
    with the occupation c = density / site_density and x = min(field / field_scale, field_cap).
    """

    log_mobility: float
    density_amplitude: float = 0.0
    density_exponent: float = 1.0
    density_cap: float = math.inf
    field_amplitude: float = 0.0
    field_scale: float = 1.0  # [V m⁻¹]
    field_cap: float = math.inf
    frenkel_slope: float = 0.0  # [(V m⁻¹)^-1/2]


class MobilityModel(Protocol):
    """What the solver asks of a mobility model."""

    @property
    def site_density(self) -> float:
        """Density of transport sites [m⁻³]."""
        ...

    @property
    def disorder_width(self) -> float | None:
        """Width of the Gaussian density of states [J]; None where the model has none."""
        ...

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Its numbers the current density is differentiated in."""
        ...

    def law(self, temperature: float) -> MobilityLaw:
        """The model's numbers at one temperature [K]."""
        ...

    def mobility(self, density: npt.ArrayLike, field: npt.ArrayLike, temperature: float) -> FloatArray:
        """Mobility [m² V⁻¹ s⁻¹] at a density [m⁻³], a field [V m⁻¹] and a temperature [K]."""
        ...


@dataclass(frozen=True, kw_only=True)
class ConstantMobility:
    """One mobility for every density, field and temperature.

    Parameters
    ----------
    value : [m² V⁻¹ s⁻¹]
    site_density : [m⁻³]; the contacts' densities are fractions of it
    disorder_width : [J]; needed for Gaussian statistics only
    """

    parameter_names: ClassVar[tuple[str, ...]] = ("value", "site_density")

    value: float
    site_density: float = 1e27
    disorder_width: float | None = None

    def __post_init__(self) -> None:
        _require_positive("value", self.value, "m² V⁻¹ s⁻¹")
        _require_positive("site_density", self.site_density, "m⁻³")

    def law(self, temperature: float) -> MobilityLaw:
        return MobilityLaw(log_mobility=math.log(self.value))

    def mobility(self, density: npt.ArrayLike, field: npt.ArrayLike, temperature: float) -> FloatArray:
        return _evaluate(self.law(temperature), self.site_density, density, field)


@dataclass(frozen=True, kw_only=True)
class PooleFrenkelMobility:
    """mobility = zero_field_mobility exp(gamma sqrt(field)), after Murgatroyd (1970).

    Parameters
    ----------
    zero_field_mobility : [m² V⁻¹ s⁻¹]
    field_coefficient : gamma [(V m⁻¹)^-1/2]
    site_density : [m⁻³]
    disorder_width : [J]; needed for Gaussian statistics only
    """

    parameter_names: ClassVar[tuple[str, ...]] = ("zero_field_mobility", "field_coefficient", "site_density")

    zero_field_mobility: float
    field_coefficient: float
    site_density: float = 1e27
    disorder_width: float | None = None

    def __post_init__(self) -> None:
        _require_positive("zero_field_mobility", self.zero_field_mobility, "m² V⁻¹ s⁻¹")
        _require_positive("site_density", self.site_density, "m⁻³")
        if not math.isfinite(self.field_coefficient):
            raise ValueError(
                f"field_coefficient {self.field_coefficient!r} (V/m)^-1/2 must be a finite number"
            )

    def law(self, temperature: float) -> MobilityLaw:
        return MobilityLaw(
            log_mobility=math.log(self.zero_field_mobility), frenkel_slope=self.field_coefficient
        )

    def mobility(self, density: npt.ArrayLike, field: npt.ArrayLike, temperature: float) -> FloatArray:
        return _evaluate(self.law(temperature), self.site_density, density, field)


@dataclass(frozen=True, kw_only=True)
class EGDM:
    """The extended Gaussian disorder model, Pasveer et al., PRL 94, 206601 (2005), Li et al. (2024), eq. 5.

    With s = sigma/kT:

        mobility = mu0 exp(-c2 s²) exp[(s² - s)/2 (2 p a³)^delta]
                   exp{0.44 (s^1.5 - 2.2) [sqrt(1 + 0.8 (e E a/sigma)²) - 1]},
        delta = 2 [ln(s² - s) - ln(ln 4)]/s².

    Li et al. print (5c) with the -1 inside the root and (5d) with sigma k T for sigma/kT: misprints, as the
    limits of zero field and of Pasveer's own paper show.

    Parameters
    ----------
    disorder_width : sigma [J]
    hopping_distance : a [m]; there are a^-3 sites per volume
    mobility_prefactor : mu0 [m² V⁻¹ s⁻¹], not the zero-field mobility
    zero_density_coefficient : c2 [1]; 0.42 in Pasveer (2005) and Li (2024), 0.44 in Felekidis (2018)
    reduced_field_cap, density_cap : largest e E a/sigma and p a³ the factors follow, as proposed by van
        Mensfoort and Coehoorn, PRB 78, 085207 (2008); None: no cap
    """

    parameter_names: ClassVar[tuple[str, ...]] = (
        "disorder_width",
        "hopping_distance",
        "mobility_prefactor",
        "zero_density_coefficient",
    )

    disorder_width: float
    hopping_distance: float
    mobility_prefactor: float
    zero_density_coefficient: float = 0.42
    reduced_field_cap: float | None = 2.0
    density_cap: float | None = 0.1

    def __post_init__(self) -> None:
        _require_positive("disorder_width", self.disorder_width, "J")
        _require_positive("hopping_distance", self.hopping_distance, "m")
        _require_positive("mobility_prefactor", self.mobility_prefactor, "m² V⁻¹ s⁻¹")
        for name in ("reduced_field_cap", "density_cap"):
            cap = getattr(self, name)
            if cap is not None:
                _require_positive(name, cap, "1")

    @classmethod
    def from_felekidis(
        cls,
        *,
        disorder_width: float,
        hopping_distance: float,
        attempt_rate: float,
        c1: float = 1.0,
        c2: float = 0.44,
        reduced_field_cap: float | None = None,
        density_cap: float | None = None,
    ) -> "EGDM":
        """The model as Felekidis et al., Org. Electron. 61, 318 (2018), write it: no caps.

        The prefactor is mu0 = c1 nu0 a²/sigma with sigma in electronvolt.

        Parameters
        ----------
        disorder_width : [J]
        hopping_distance : [m]
        attempt_rate : nu0 [s⁻¹]
        c1, c2 : [1]
        """
        return cls(
            disorder_width=disorder_width,
            hopping_distance=hopping_distance,
            mobility_prefactor=c1 * attempt_rate * hopping_distance**2 / (disorder_width / electronvolt),
            zero_density_coefficient=c2,
            reduced_field_cap=reduced_field_cap,
            density_cap=density_cap,
        )

    @property
    def site_density(self) -> float:
        """a^-3 [m⁻³]."""
        return self.hopping_distance**-3

    def reduced_disorder(self, temperature: float) -> float:
        """sigma/kT [1]."""
        return self.disorder_width / (BOLTZMANN_CONSTANT * temperature)

    def law(self, temperature: float) -> MobilityLaw:
        s = self.reduced_disorder(temperature)
        if s < LOWEST_REDUCED_DISORDER:
            raise ValueError(
                f"disorder_width {self.disorder_width / electronvolt:.4g} eV at {temperature:.4g} K is "
                f"{s:.2f} kT; the model needs {LOWEST_REDUCED_DISORDER} kT or more"
            )
        return MobilityLaw(
            log_mobility=math.log(self.mobility_prefactor) - self.zero_density_coefficient * s**2,
            density_amplitude=(s**2 - s) / 2,
            density_exponent=2 * (math.log(s**2 - s) - math.log(math.log(4))) / s**2,
            density_cap=math.inf if self.density_cap is None else self.density_cap,
            field_amplitude=0.44 * (s**1.5 - 2.2),
            field_scale=self.disorder_width / (ELEMENTARY_CHARGE * self.hopping_distance),
            field_cap=math.inf if self.reduced_field_cap is None else self.reduced_field_cap,
        )

    def mobility(self, density: npt.ArrayLike, field: npt.ArrayLike, temperature: float) -> FloatArray:
        return _evaluate(self.law(temperature), self.site_density, density, field)


def _evaluate(
    law: MobilityLaw, site_density: float, density: npt.ArrayLike, field: npt.ArrayLike
) -> FloatArray:
    occupation = np.minimum(np.asarray(density, dtype=np.float64) / site_density, law.density_cap)
    strength = np.abs(np.asarray(field, dtype=np.float64))
    reduced_field = np.minimum(strength / law.field_scale, law.field_cap)
    return np.exp(
        law.log_mobility
        + law.density_amplitude * (2 * occupation) ** law.density_exponent
        + law.field_amplitude * (np.sqrt(1 + 0.8 * reduced_field**2) - 1)
        + law.frenkel_slope * np.sqrt(strength)
    )


def _require_positive(name: str, value: float, unit: str) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} {value!r} {unit}: it must be above zero")
