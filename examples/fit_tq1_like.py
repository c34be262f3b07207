"""Fit disorder parameters to J-V files of one film at six temperatures."""

from pathlib import Path

from analysis.constants import electronvolt, nanometre
from analysis.disorder_fit import fit_disorder
from qdlab.importers import import_jv_files

files = Path(__file__).parent / "measured" / "*.txt"
curves = import_jv_files([str(files)], unit="mA/cm2", relative_permittivity=3.6)
fit = fit_disorder(curves, convention="felekidis2018")

print(f"disorder width   {fit.parameters['disorder_width'].scaled(1000 / electronvolt)} meV")
print(f"hopping distance {fit.parameters['hopping_distance'].scaled(1 / nanometre)} nm")
print(fit.verdict)
