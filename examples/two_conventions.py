"""The same curves under two ways of writing the disorder model: which numbers depend on the convention."""

from pathlib import Path

import qdlab
from analysis.constants import electronvolt, nanometre

SHOWN_IN = {
    **dict.fromkeys(
        ["disorder_width", "injecting_barrier", "extracting_barrier"], ("meV", electronvolt / 1000)
    ),
    "hopping_distance": ("nm", nanometre),
}

files = Path(__file__).parent / "measured" / "*.txt"
curves = qdlab.read_jv_files(files, unit="mA/cm2", relative_permittivity=3.6)

for convention in ("li2024", "felekidis2018"):
    fit = qdlab.fit_disorder(curves, convention=convention, with_model_range=False)
    print(f"{convention}: reduced chi-square {fit.reduced_chi_square:.3g}, {fit.verdict.word}")
    for name, estimate in fit.parameters.items():
        unit, scale = SHOWN_IN.get(name, ("SI", 1.0))
        print(f"  {name:20} {estimate.scaled(1 / scale)} {unit}")
    for sentence in fit.conventions:
        print(f"    {sentence}")

print("\nNumbers of one convention do not belong into a formula of the other.")
