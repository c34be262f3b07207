from hypothesis import given
from hypothesis import strategies as st

from qdlab.live.growing import Growing


def test_an_older_copy_keeps_its_values_when_a_newer_one_grows() -> None:
    one = Growing([1.0])
    two = one.appended(2.0)
    other_two = one.appended(3.0)
    assert list(one) == [1.0]
    assert list(two) == [1.0, 2.0]
    assert list(other_two) == [1.0, 3.0]


@given(st.lists(st.floats(allow_nan=False)), st.data())
def test_it_reads_like_the_list_it_stands_for(values: list[float], data: st.DataObject) -> None:
    grown: Growing[float] = Growing()
    for value in values:
        grown = grown.appended(value)
    low = data.draw(st.integers(-len(values) - 2, len(values) + 2))
    assert list(grown) == values
    assert grown[low:] == values[low:]
    assert len(grown) == len(values)
    assert grown.array().tolist() == values
    if values:
        assert grown[-1] == values[-1]
