"""Samples named by device files, as the command line sees them."""

import json
from pathlib import Path

from qdlab import cli

DEVICE = """
identifier = "b/1/2"
active_layers = ["QD"]
area = "4 mm2"
simulated_as = "{sample}"
[[layers]]
material = "QD"
thickness = "110 nm"
"""


def device_file(folder: Path, sample: str) -> str:
    path = folder / "device.toml"
    path.write_text(DEVICE.format(sample=sample), encoding="utf-8", newline="\n")
    return str(path)


def test_reveal_tells_what_a_sealed_sample_hides(tmp_path: Path, project_root: Path, capsys) -> None:
    sample = (project_root / "examples" / "sample-worn.toml").as_posix()
    assert cli.run_command_line(["sim", "--device", device_file(tmp_path, sample), "--reveal"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["b/1/2"]["series_resistance"] == 80.0
    assert told["b/1/2"]["statistics"] == "gaussian"


def test_a_sample_that_does_not_exist_is_refused_with_the_names_there_are(tmp_path: Path, capsys) -> None:
    assert cli.run_command_line(["sim", "--device", device_file(tmp_path, "unobtainium"), "--reveal"]) == 2
    assert "li2024-hole-only-110nm" in capsys.readouterr().err


def test_a_sample_file_with_a_slip_is_refused_naming_the_key(tmp_path: Path, capsys) -> None:
    slip = tmp_path / "slip.toml"
    slip.write_text('preset = "li2024-qled"\nsize = 3\n', encoding="utf-8", newline="\n")
    assert cli.run_command_line(["sim", "--device", device_file(tmp_path, slip.as_posix()), "--reveal"]) == 2
    assert "unknown key 'size'" in capsys.readouterr().err
