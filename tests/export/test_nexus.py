"""The NeXus file, read with h5py and held against what the definitions ask for."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import h5py
import numpy as np
import pytest

from benchmarks.records.trials import DEVICE, StepClock, jv_header, jv_row, new_session
from procedures import columns
from qdlab.errors import RecordError
from qdlab.export import export_sessions
from qdlab.export.nexus import write_nexus
from qdlab.records import Session, SessionWriter, device_to_document, open_session
from qdlab.records.curves import tel_series

# what NXsensor_scan and NXiv_temp require of an entry (nexusformat/definitions, contributed_definitions)
REQUIRED = {
    "NXsensor_scan": {
        "definition": "", "process": "NXprocess", "process/program": "", "user": "NXuser", "user/name": "",
        "instrument": "NXinstrument", "instrument/environment": "NXenvironment", "data": "NXdata",
        "sample": "NXsample", "sample/name": "",
    },
    "NXiv_temp": {
        "instrument/environment/voltage_controller": "NXsensor",
        "instrument/environment/temperature_controller": "NXsensor",
        "instrument/environment/current_sensor": "NXsensor",
        "data/temperature": "", "data/voltage": "", "data/current": "", "sample/atom_types": "",
    },
}  # fmt: skip


@pytest.fixture
def file(session: Session, tmp_path: Path) -> h5py.File:
    export_sessions([session], "nexus", tmp_path / "session.nxs")
    with h5py.File(tmp_path / "session.nxs", "r") as opened:
        yield opened


def text(dataset: h5py.Dataset) -> str:
    return dataset.asstr()[()]


def entry_of(file: h5py.File, definition: str) -> h5py.Group:
    (entry,) = [one for one in file.values() if text(one["definition"]) == definition]
    return entry


@pytest.mark.parametrize("definition", ["NXiv_temp", "NXsensor_scan"])
def test_an_entry_has_what_its_definition_requires(file: h5py.File, definition: str) -> None:
    entry = entry_of(file, definition)
    assert entry.attrs["NX_class"] == "NXentry" and file.attrs["NX_class"] == "NXroot"
    for path, nexus_class in (REQUIRED["NXsensor_scan"] | REQUIRED[definition]).items():
        assert path in entry, path
        assert entry[path].attrs.get("NX_class", "") == nexus_class
    assert entry["definition"].attrs["version"]
    assert {"version", "program_url"} <= set(entry["process/program"].attrs)
    environment = entry["instrument/environment"]
    sensors = [one for one in environment.values() if isinstance(one, h5py.Group)]
    assert len({one["value"].shape for one in sensors}) == 1
    assert all(one.attrs["NX_class"] == "NXsensor" and "units" in one["value"].attrs for one in sensors)
    for listed in ("independent_controllers", "measurement_sensors"):
        assert set(environment[listed].asstr()[:]) <= set(environment)


@pytest.mark.parametrize("definition", ["NXiv_temp", "NXsensor_scan"])
def test_every_time_has_its_offset_from_utc(file: h5py.File, definition: str) -> None:
    entry = entry_of(file, definition)
    stamps = [text(entry["start_time"]), text(entry["end_time"])]
    for sensor in entry["instrument/environment"].values():
        if isinstance(sensor, h5py.Group):
            stamps += list(sensor["value_timestamp"].asstr()[:])
    assert all(datetime.fromisoformat(stamp).utcoffset() is not None for stamp in stamps)
    assert stamps[0] <= min(stamps[2:]) and max(stamps[2:]) == stamps[1]


def test_every_recorded_number_is_in_a_sensor_to_the_last_bit(file: h5py.File, session: Session) -> None:
    for definition, runs in (("NXiv_temp", session.runs[:3]), ("NXsensor_scan", session.runs[3:])):
        entry = entry_of(file, definition)
        sensors = {
            text(one["name"]): one["value"][:]
            for one in entry["instrument/environment"].values()
            if isinstance(one, h5py.Group)
        }
        assert set(sensors) == set(runs[0].header.columns)
        for heading, found in sensors.items():
            expected = np.concatenate([run.rows[heading] for run in runs])
            assert found.tobytes() == expected.tobytes()
        rows = [row for run in runs for row in run.recorded_rows()]
        assert entry["points/sequence"][:].tolist() == [row.sequence for row in rows]
        assert [frozenset(words.split()) for words in entry["points/flags"].asstr()[:]] == [
            row.flags for row in rows
        ]


def test_the_current_lies_on_the_grid_of_temperatures_and_voltages(file: h5py.File, session: Session) -> None:
    data = entry_of(file, "NXiv_temp")["data"]
    assert data["temperature"][:].tolist() == [297.0, 277.0, 297.0]
    assert data["voltage"][:].tolist() == [0.0, 0.5, 1.0, 1.5, 1.0, 0.5]
    assert data["current"].shape == (3, 6)
    for line, run in zip(data["current"][:], session.runs, strict=False):
        count = len(run.rows)
        # the way back begins at the highest voltage, so a sweep cut short lacks its last points
        assert line[:count].tobytes() == run.rows[columns.CURRENT].tobytes()
        assert np.all(np.isnan(line[count:]))
    assert data["current_at_297K_2"][:].tobytes() == data["current"][2].tobytes()
    units = {name: data[name].attrs["units"] for name in ("temperature", "voltage", "current")}
    assert units == {"temperature": "K", "voltage": "V", "current": "A"}


def test_the_light_lies_on_the_grid_of_amplitudes_and_widths(file: h5py.File, session: Session) -> None:
    data = entry_of(file, "NXsensor_scan")["data"]
    first, second = tel_series(session)
    assert data["pulse_amplitude"][:].tolist() == [4.0, 4.5]
    assert data["pulse_width"][:].tolist() == first.pulse_width.tolist()
    assert data["light_current"][0].tolist() == first.light_current.tolist()
    assert data["light_current"][1, :2].tolist() == second.light_current.tolist()
    assert np.isnan(data["light_current"][1, 2])


def test_the_entry_says_who_measured_what(file: h5py.File, session: Session) -> None:
    entry = entry_of(file, "NXiv_temp")
    assert text(entry["user/name"]) == "A. Nyquist"
    assert text(entry["sample/name"]) == "B1/S2/P3"
    assert entry["sample/thickness"][()] == 110e-9
    assert text(entry["sample/description"]) == "QD"
    assert bytes(entry["note/data"][()]) == (session.path / "session.toml").read_bytes()


def test_a_session_without_points_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    writer = new_session(tmp_path)
    writer.close()
    with pytest.raises(RecordError, match="nothing to export"):
        write_nexus(open_session(writer.path), tmp_path / "empty.nxs")
    assert not (tmp_path / "empty.nxs").exists()


def test_a_nul_in_what_somebody_wrote_keeps_no_session_from_its_export(tmp_path: Path) -> None:
    device = replace(DEVICE, identifier="B1\0/S2/P3")
    document = {"operator": "A.\0 Nyquist", "devices": [device_to_document(device)]}
    writer = SessionWriter.create(tmp_path, name="two\0 runs", document=document, clock=StepClock())
    run = writer.open_run(jv_header(device=device.identifier))
    run.write(jv_row(1.0))
    run.end("finished")
    writer.close()
    export_sessions([open_session(writer.path)], "nexus", tmp_path / "session.nxs")
    with h5py.File(tmp_path / "session.nxs", "r") as file:
        entry = file["entry1"]
        assert text(entry["user/name"]) == "A.␀ Nyquist"
        assert text(entry["sample/name"]) == "B1␀/S2/P3"
        assert text(entry["experiment_description"]) == "two␀ runs"
