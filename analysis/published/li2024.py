"""Li et al., "Charge Transport in Blue Quantum Dot Light-Emitting Diodes" (2024): its devices and numbers.

Adv. Electron. Mater. 2024, DOI 10.1002/aelm.202400142. Printed values carry their equation or figure; what
the paper does not print and we had to choose is an `Assumption` and says so. `CONSISTENCY_NOTES` tells what
does not follow from what when the printed numbers are computed through; they are to be shown, not tuned away.
"""

from dataclasses import dataclass

from analysis.constants import electronvolt, nanometre, square_millimetre

DOI = "10.1002/aelm.202400142"


@dataclass(frozen=True, kw_only=True)
class Printed:
    """A number as the paper prints it.

    Parameters
    ----------
    name : glossary name
    value : SI
    unit : SI unit, in words for people
    where : equation, figure or section
    condition : temperature, voltage or field it holds at
    """

    name: str
    value: float
    unit: str
    where: str
    condition: str = ""


@dataclass(frozen=True, kw_only=True)
class Assumption:
    """A number the paper does not print and the analysis or the simulation needs.

    Parameters
    ----------
    name : glossary name
    value : SI
    unit : SI unit, in words for people
    reason : why this value
    """

    name: str
    value: float
    unit: str
    reason: str


ZERO_FIELD_MOBILITY = Printed(
    name="zero_field_mobility",
    value=4.4e-11,
    unit="m² V⁻¹ s⁻¹",
    where="eq. 1, Fig. 2a",
    condition="297 K, quadratic range of the 110 nm hole-only device",
)
ACTIVATION_ENERGY = Printed(
    name="activation_energy",
    value=0.30 * electronvolt,
    unit="J",
    where="eq. 4, Fig. 5",
    condition="217-297 K",
)
HIGH_TEMPERATURE_MOBILITY = Printed(
    name="high_temperature_mobility",
    value=4.5e-6,
    unit="m² V⁻¹ s⁻¹",
    where="eq. 4, Fig. 5",
    condition="217-297 K",
)
DISORDER_WIDTH = Printed(
    name="disorder_width", value=0.12 * electronvolt, unit="J", where="eq. 5, Fig. 6", condition="217-297 K"
)
HOPPING_DISTANCE = Printed(
    name="hopping_distance", value=2.8 * nanometre, unit="m", where="eq. 5, Fig. 6", condition="217-297 K"
)
TRANSIT_MOBILITY = Printed(
    name="transit_mobility",
    value=9.1e-11,
    unit="m² V⁻¹ s⁻¹",
    where="eq. 3, Fig. 4",
    condition="4 V, 297 K, E^½ = 458.8 (V/cm)^½",
)
TRANSIT_ROOT_FIELD = Printed(
    name="electric_field",
    value=4588.0**2,
    unit="V m⁻¹",
    where="Fig. 4",
    condition="4 V: E^½ = 458.8 (V/cm)^½ = 4588 (V/m)^½",
)
FIELD_RATIO = Printed(
    name="current_density_ratio",
    value=5.0,
    unit="1",
    where="text to Fig. 2a",
    condition='"about five times" the quadratic law at the field of the 4 V transit point',
)

RELATIVE_PERMITTIVITY = Assumption(
    name="relative_permittivity",
    value=4.0,
    unit="1",
    reason="usual for a film of quantum dots with their ligands",
)
HOLE_ONLY_AREA = Assumption(
    name="area",
    value=4 * square_millimetre,
    unit="m²",
    reason="usual pixel; the paper prints no electrode area",
)
BUILT_IN_VOLTAGE = Assumption(
    name="built_in_voltage",
    value=2.0,
    unit="V",
    reason="with L = 95 nm it gives the printed field at 4 V to four digits; other stacks need odd values",
)
TRANSIT_LENGTH = Assumption(
    name="thickness",
    value=95 * nanometre,
    unit="m",
    reason="TFB 25 + quantum dots 30 + ZnMgO 40 nm; the paper does not print the length of eq. 3",
)
MOBILITY_PREFACTOR = Assumption(
    name="mobility_prefactor",
    value=2.6e-8,
    unit="m² V⁻¹ s⁻¹",
    reason=(
        "the paper prints no EGDM prefactor; with this one the quadratic range (0.9 V) of the 110 nm device "
        "at 297 K shows the printed 4.4e-11 as its Mott-Gurney mobility"
    ),
)
MURGATROYD_COEFFICIENT = Assumption(
    name="field_coefficient",
    value=3.94e-4,
    unit="(m/V)^½",
    reason='reproduces "about five times" at the field of the 4 V point with Murgatroyd\'s law',
)

ASSUMPTIONS: tuple[Assumption, ...] = (
    RELATIVE_PERMITTIVITY,
    HOLE_ONLY_AREA,
    BUILT_IN_VOLTAGE,
    TRANSIT_LENGTH,
    MOBILITY_PREFACTOR,
    MURGATROYD_COEFFICIENT,
)


@dataclass(frozen=True, kw_only=True)
class ConsistencyNote:
    """What comes out when printed numbers are computed through.

    Parameters
    ----------
    subject : the printed number it is about
    word : "rounding", "assumption needed" or "does not follow"
    sentence : for the report, in plain words
    """

    subject: str
    word: str
    sentence: str


CONSISTENCY_NOTES: tuple[ConsistencyNote, ...] = (
    ConsistencyNote(
        subject="zero_field_mobility",
        word="assumption needed",
        sentence=(
            "The paper prints no EGDM prefactor. The one assumed here was chosen so that the quadratic range "
            "of the 110 nm device shows 4.4e-11 m² V⁻¹ s⁻¹ at 297 K: that agreement is put in, not found."
        ),
    ),
    ConsistencyNote(
        subject="high_temperature_mobility",
        word="rounding",
        sentence=(
            "4.5e-6 m² V⁻¹ s⁻¹ with 0.30 eV gives 3.65e-11 m² V⁻¹ s⁻¹ at 297 K, not the 4.4e-11 printed for "
            "the "
            "zero-field mobility: a rounding of the energy by 0.005 eV covers the difference."
        ),
    ),
    ConsistencyNote(
        subject="transit_mobility",
        word="assumption needed",
        sentence=(
            "The paper prints no length and no built-in voltage for eq. 3. E^½ = 458.8 (V/cm)^½ at 4 V "
            "follows to four "
            "digits from 95 nm (TFB + quantum dots + ZnMgO) and a built-in voltage of 2.0 V; both are "
            "assumed here."
        ),
    ),
    ConsistencyNote(
        subject="delay_time",
        word="does not follow",
        sentence=(
            "With these, 9.1e-11 m² V⁻¹ s⁻¹ at 4 V means a delay of 49.6 µs (24.8 µs with plain V). Pulses "
            "of up to "
            "100 µs hold one width beyond twice that and cannot support such an intercept, so the demo "
            "measures the "
            "printed widths, says so, and adds a labelled extension to 300 µs."
        ),
    ),
    ConsistencyNote(
        subject="activation_energy",
        word="does not follow",
        sentence=(
            "Space-charge mobilities of an EGDM device with the printed disorder of 0.12 eV and 2.8 nm have "
            "an "
            "activation energy of 0.23 to 0.28 eV (depending on Einstein relation and voltage), not 0.30 eV."
        ),
    ),
    ConsistencyNote(
        subject="current_density_ratio",
        word="does not follow",
        sentence=(
            "The same EGDM device carries 1.2 to 1.3 times the quadratic law at the field of the 4 V point "
            "and five "
            'times only near 6 V; "about five times" is a reading of Fig. 2a, which a Murgatroyd law with '
            "γ = 3.94e-4 (m/V)^½ reproduces."
        ),
    ),
    ConsistencyNote(
        subject="thickness_scaling",
        word="does not follow",
        sentence=(
            "J L³ of the same EGDM device does not collapse onto one curve: 63.5 and 110 nm differ by a "
            "factor of 2 "
            "to 6, where Fig. 2b shows three thicknesses together."
        ),
    ),
)
