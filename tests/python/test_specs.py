"""Rows of columns as instances of documents."""

import numpy as np
import pytest

from apportion import RequestError, _specs


def test_given_leaves_out_what_is_none() -> None:
    assert _specs.given({"id": "a", "address": None, "labels": {}}) == {"id": "a", "labels": {}}


def test_dotted_columns_become_tables_and_missing_values_vanish() -> None:
    columns = {
        "id": ["a", "b"],
        "capacity.gb": np.array([1.5, np.nan]),
        "labels.tier": [None, "x"],
        "groups": [["g"], ("h",)],
    }
    assert _specs.nested(columns, 0) == {"id": "a", "capacity": {"gb": 1.5}, "groups": ["g"]}
    assert _specs.nested(columns, 1) == {"id": "b", "labels": {"tier": "x"}, "groups": ["h"]}
    assert _specs.rows_of(columns) == 2
    assert _specs.rows_of({}) == 0


def test_readings_take_every_value_once() -> None:
    columns = {"id": ["a", "b"], "usage.gb": [1, None], "predicted.gb": [float("nan"), 2]}
    assert _specs.usage_readings(columns) == [("a", "gb", False, 1.0), ("b", "gb", True, 2.0)]


@pytest.mark.parametrize("columns", [{"usage.gb": [1]}, {"id": ["a"], "used.gb": [1]}, {"id": ["a"], "usage": [1]}])
def test_readings_say_which_columns_they_take(columns: dict[str, list[object]]) -> None:
    with pytest.raises(RequestError, match="column"):
        _specs.usage_readings(columns)
