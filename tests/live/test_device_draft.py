"""A device as a form: its file comes back, what is wrong is told at its place, units are people's."""

from dataclasses import replace
from pathlib import Path

import pytest

from qdlab.config import load_device, read_toml
from qdlab.config.device import DeviceConfig
from qdlab.errors import ConfigError
from qdlab.live.device_draft import (
    NEW_DEVICE,
    DeviceDraft,
    DraftLayer,
    check_device,
    device_fields,
    draft_of_device,
    layer_fields,
    limit_fields,
    read_device_draft,
    save_device,
    saved_devices,
    with_layer,
    with_shifted_layer,
    without_layer,
)
from qdlab.live.forms import FormField, table_of, texts_of_table

THICKNESS = next(field for field in layer_fields() if field.key == "thickness")


@pytest.fixture
def paper(project_root: Path) -> DeviceDraft:
    return read_device_draft(project_root / "examples" / "device-hole-only.toml")


def through_its_form(draft: DeviceDraft) -> DeviceDraft:
    """What is in the file again after every table of it was shown in fields and read from them."""

    def again(fields: tuple[FormField, ...], table: dict) -> dict:
        return table_of(fields, texts_of_table(fields, table))

    return DeviceDraft(
        table=again(device_fields(), draft.table),
        layers=tuple(
            DraftLayer(table=again(layer_fields(), layer.table), active=layer.active)
            for layer in draft.layers
        ),
        limits=again(limit_fields(), draft.limits),
    )


def test_every_example_device_survives_its_form_and_its_file(project_root: Path, tmp_path: Path) -> None:
    for file in sorted((project_root / "examples").glob("device-*.toml")):
        written = tmp_path / file.name
        written.write_text(through_its_form(read_device_draft(file)).to_toml(), encoding="utf-8")
        wanted = load_device(file)
        assert load_device(written).to_device() == wanted.to_device()
        assert load_device(written).limits.to_document() == pytest.approx(wanted.limits.to_document())


def test_every_setting_of_a_device_file_has_a_field_with_a_hint() -> None:
    keys = {field.key for field in device_fields()}
    assert keys | {"layers", "active_layers", "limits"} == set(DeviceConfig.model_fields)
    assert all(field.hint for field in (*device_fields(), *layer_fields(), *limit_fields()))


@pytest.mark.parametrize(
    ("text", "value", "error", "systematic"),
    [
        ("110", 110e-9, None, None),
        ("110 ± 3", 110e-9, 3e-9, None),
        ("110 +- 3", 110e-9, 3e-9, None),
        ("110 +/- 3 nm", 110e-9, 3e-9, None),
        ("0.11 um ± 0.003", 110e-9, 3e-9, None),  # the unit that stands once is that of both
        ("110 nm ± 30 angstrom", 110e-9, 3e-9, None),
        ("110 ± 3, systematic 5", 110e-9, 3e-9, 5e-9),
        ("1.1e2, systematic 5", 110e-9, None, 5e-9),
    ],
)
def test_a_value_with_its_errors_is_read_as_a_person_writes_it(
    paper: DeviceDraft, text: str, value: float, error: float | None, systematic: float | None
) -> None:
    table = {"material": "QD", **table_of([THICKNESS], {"thickness": text})}
    read = replace(paper, layers=(DraftLayer(table=table, active=True),)).to_document()
    thickness = DeviceConfig.model_validate(read).layers[0].thickness
    assert thickness.value == pytest.approx(value, rel=1e-12)
    for found, wanted in ((thickness.standard_error, error), (thickness.systematic_error, systematic)):
        assert found is wanted is None or found == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("text", ["110", "110 ± 3", "110 ± 3, systematic 5"])
def test_a_value_with_its_errors_comes_back_as_it_was_typed(text: str) -> None:
    assert texts_of_table([THICKNESS], table_of([THICKNESS], {"thickness": text}))["thickness"] == text


def test_limits_are_typed_in_the_units_people_say() -> None:
    texts = {"maximum_field": "800000", "maximum_current_density": "2000", "maximum_temperature_rate": "6"}
    draft = replace(NEW_DEVICE, limits=table_of(limit_fields(), texts))
    document = {**draft.to_document(), "identifier": "x", "area": "4 mm2", "active_layers": ["QD"]}
    document["layers"] = [{"material": "QD", "thickness": "100 nm"}]
    limits = DeviceConfig.model_validate(document).limits
    assert limits.maximum_field == pytest.approx(8e7)
    assert limits.maximum_current_density == pytest.approx(2e4)
    assert limits.maximum_temperature_rate == pytest.approx(0.1)


def test_what_is_wrong_is_told_at_its_place(paper: DeviceDraft) -> None:
    odd = replace(
        paper,
        table={**paper.table, "area": "-4 mm2"},
        layers=(*paper.layers[:2], DraftLayer(table={"material": "MoO3", "thickness": "10 mA"})),
        limits={"maximum_duty_cycle": "3"},
    )
    checked = check_device(odd)
    assert not checked.holds and checked.facts == ()
    assert "above 0 m**2" in checked.of()["area"]
    assert "'mA' cannot be turned into 'm'" in checked.of("layers", 2)["thickness"]
    assert checked.of("layers", 0) == {}
    assert "1 or less" in checked.of("limits")["maximum_duty_cycle"]


def test_a_new_device_says_what_it_needs_and_is_bounded_from_the_beginning() -> None:
    checked = check_device(NEW_DEVICE)
    assert checked.of() == {"identifier": "is needed", "area": "is needed", "layers": "is needed"}
    assert checked.of("layers", 0) == {"material": "is needed", "thickness": "is needed"}
    assert checked.of("limits") == {}
    assert {"maximum_field", "maximum_current_density"} <= set(NEW_DEVICE.limits)


def test_a_stack_that_no_carrier_crosses_or_two_films_of_one_name_are_told(paper: DeviceDraft) -> None:
    crossed = replace(paper, layers=tuple(replace(layer, active=False) for layer in paper.layers))
    assert check_device(crossed).of("active_layers") == {"": "say which film the carriers cross"}
    twice = replace(paper, layers=(*paper.layers, replace(paper.layers[1], active=False)))
    assert "name them apart" in check_device(twice).of("layers", 3)["material"]


def test_what_follows_is_said_in_numbers_one_can_check_by_hand(paper: DeviceDraft) -> None:
    # 1 V over 110 nm is 90.9 kV/cm; 4 eps0 4 mm2 / 110 nm is 1.288 nF; 8e7 V/m over 110 nm is 8.8 V
    crossed, capacitor, limits = check_device(paper).facts
    assert "110 nm" in crossed and "90.9 kV/cm" in crossed
    assert "1.29 nF" in capacitor
    assert "8.8 V and 80 mA" in limits
    unbound = check_device(replace(paper, limits={}))
    assert "only the bench's limits" in unbound.facts[2]
    turned = check_device(replace(paper, table={**paper.table, "positive_terminal": "bottom"}))
    assert "other sign" in turned.facts[3]


def test_films_are_put_in_shifted_and_taken_out(paper: DeviceDraft) -> None:
    def materials(draft: DeviceDraft) -> list[str]:
        return [layer.table.get("material", "") for layer in draft.layers]

    assert materials(with_layer(paper, 3)) == ["PEDOT:PSS", "QD", "MoO3", ""]
    assert materials(with_shifted_layer(paper, 0, 1)) == ["QD", "PEDOT:PSS", "MoO3"]
    assert with_shifted_layer(paper, 2, 1) == paper
    assert materials(without_layer(paper, 1)) == ["PEDOT:PSS", "MoO3"]


def test_a_device_is_kept_under_its_identifier_and_never_over_another_one(
    paper: DeviceDraft, tmp_path: Path
) -> None:
    folder = tmp_path / "devices"
    file = save_device(paper, folder)
    assert saved_devices(folder) == [file] and file.name == "li2024-hole-only-1.toml"
    wider = replace(paper, table={**paper.table, "area": "9 mm2"})
    assert save_device(wider, folder) == file
    assert load_device(file).area.value == pytest.approx(9e-6)
    namesake = replace(paper, table={**paper.table, "identifier": "li2024/hole-only-1"})
    with pytest.raises(ConfigError, match="is the file of li2024/hole-only/1"):
        save_device(namesake, folder)
    assert load_device(file).identifier == "li2024/hole-only/1"


def test_a_sample_file_is_found_again_from_the_folder_of_kept_devices(
    project_root: Path, tmp_path: Path
) -> None:
    file = project_root / "examples" / "device-tq1-like.toml"
    kept = save_device(read_device_draft(file), tmp_path)
    assert Path(load_device(kept).simulated_as or "").samefile(project_root / "examples/sample-tq1-like.toml")


@pytest.mark.parametrize(
    "document", [{"layers": "QD"}, {"layers": ["QD"]}, {"active_layers": "QD"}, {"limits": [1]}]
)
def test_what_is_no_device_is_refused(document: dict) -> None:
    with pytest.raises(ConfigError, match="no device"):
        draft_of_device(document)


def test_a_file_that_is_not_right_yet_is_opened_to_be_put_right(tmp_path: Path) -> None:
    file = tmp_path / "half.toml"
    file.write_text('identifier = "B3"\nflavour = "strange"\n', encoding="utf-8")
    draft = read_device_draft(file)
    assert read_toml(file)["identifier"] == draft.table["identifier"]
    assert "unknown key 'flavour'" in check_device(draft).of()[""]
