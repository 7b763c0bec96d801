from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apportion._plain import JsonObject, to_plain


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_read_back(value: float) -> None:
    tree, found = to_plain({"a": value}, 100)
    assert not found
    assert float(tree["a"]) == value


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
LEAVES = st.none() | st.booleans() | TEXT | st.integers(-(10**30), 10**30)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=10
)


@given(st.dictionaries(TEXT, TREES, max_size=3))
def test_plain_trees_stay_what_they_are(tree: dict[str, object]) -> None:
    assert to_plain(tree, 100) == (tree, [])


def test_places() -> None:
    tree = {"a": [0, {"b c": float("nan")}], "d": {'x"y': {1}}}
    _, found = to_plain(tree, 100)
    assert [place for place, _ in found] == ['a[1]."b c"', 'd."x\\"y"']


def test_places_stay_short() -> None:
    _, found = to_plain({"k" * 100_000: [float("nan")] * 3}, 100)
    assert len(found) == 3
    assert all(len(place) < 300 for place, _ in found)


@pytest.mark.parametrize("value", [-(10**40) - 1, 10**2_000 + 1, Decimal("1e401"), Decimal("1e-401"), 10**33 * 11 + 1])
def test_numbers_that_do_not_fit(value: int | Decimal) -> None:
    _, found = to_plain({"a": value}, 100)
    assert len(found) == 1
    assert "does not fit" in found[0][1]


@pytest.mark.parametrize(
    "value", [10**34 - 1, -(10**34), 10**400, Decimal("1e400"), Decimal("0e5000"), Decimal("-1.5e-399")]
)
def test_numbers_that_fit(value: int | Decimal) -> None:
    assert to_plain({"a": value}, 100) == ({"a": value}, [])


def test_numbers_of_every_kind() -> None:
    tree, found = to_plain(
        {"a": np.int64(3), "b": np.float64(0.1), "c": Fraction(1, 2), "d": True, "e": np.float32(0.25)}, 100
    )
    assert not found
    assert tree == {"a": 3, "b": Decimal("0.1"), "c": Decimal("0.5"), "d": True, "e": Decimal("0.25")}


def test_repeated_keys() -> None:
    _, found = to_plain({"a": JsonObject([("x", 1), ("y", 2), ("x", 3), ("x", 4)])}, 100)
    assert found == [("a.x", "the key 'x' stands twice")] * 2


def test_levels() -> None:
    assert to_plain({"a": [[]]}, 3)[1] == []
    assert to_plain({"a": [[]]}, 2)[1] == [("a[0]", "more than 2 levels of nesting")]
