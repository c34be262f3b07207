"""Analyse J-V files of any program: put your own files, unit and permittivity in place of the example's."""

from pathlib import Path

import qdlab

FILES = Path(__file__).parent / "measured" / "*.txt"  # thickness and temperature are in the names
UNIT = "mA/cm2"  # of the current column
RELATIVE_PERMITTIVITY = 3.6  # of the film

curves = qdlab.read_jv_files(FILES, unit=UNIT, relative_permittivity=RELATIVE_PERMITTIVITY)
print(curves)

analysis = curves.analyse(convention="felekidis2018", with_model_range=False)
qdlab.show(analysis)

curves.figure().savefig("own-curves.svg")
curves.to_pandas().to_csv("own-curves.csv", index=False)
print("figure and points: own-curves.svg, own-curves.csv")
