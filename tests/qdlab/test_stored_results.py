import json
from pathlib import Path

import pytest

from qdlab.differences import changes
from qdlab.stored_results import read_results, results_file, store_results

RESULTS = {"devices": {"a/b/1": {"jv": {"value": 1.0e-11, "verdict": "good", "window": [0.5, 1.2]}}}}


def test_what_is_stored_is_read_back(tmp_path: Path) -> None:
    store_results(tmp_path, "li2024", RESULTS)
    stored = read_results(tmp_path, "li2024")
    assert stored is not None and stored["results"] == RESULTS


def test_the_same_results_have_not_changed(tmp_path: Path) -> None:
    store_results(tmp_path, "li2024", RESULTS)
    stored = read_results(tmp_path, "li2024")
    assert stored is not None and list(changes(stored["results"], RESULTS)) == []


def test_a_changed_number_and_a_changed_word_are_named() -> None:
    after = json.loads(json.dumps(RESULTS))
    after["devices"]["a/b/1"]["jv"].update(value=1.1e-11, verdict="drifting", window=None)
    assert list(changes(RESULTS, after)) == [
        "devices.a/b/1.jv.value: 1e-11 -> 1.1e-11",
        'devices.a/b/1.jv.verdict: "good" -> "drifting"',
        "devices.a/b/1.jv.window: [0.5, 1.2] -> nothing",
    ]


def test_what_a_list_has_more_or_less_is_named() -> None:
    assert list(changes({"widths": ["1 us", "2 us"]}, {"widths": ["1 us"]})) == [
        'widths[1]: "2 us" -> nothing'
    ]
    assert list(changes([1.0], [1.0, 2.0], "windows")) == ["windows[1]: nothing -> 2"]


@pytest.mark.parametrize("damaged", ["", "[]", "{", '{"results": 3}', "\x00"])
def test_damaged_stored_results_count_as_none(tmp_path: Path, damaged: str) -> None:
    store_results(tmp_path, "li2024", RESULTS)
    results_file(tmp_path, "li2024").write_text(damaged, encoding="utf-8")
    assert read_results(tmp_path, "li2024") is None
