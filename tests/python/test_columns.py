"""Bulk input: the same rows from every kind of table, values that are missing, and what is refused."""

import datetime
import sys
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from apportion import _columns, _core
from apportion._columns import columns_of
from apportion._errors import MissingExtra, RequestError
from apportion.table import Table

NAMES = ["alice", "bob", "zoë"]
AMOUNTS = [1.5, 2.0, 0.1]
COUNTS = [1, 2, 3]
FLAGS = [True, False, True]
PLAIN: dict[str, Any] = {"consumer": NAMES, "gb": AMOUNTS, "count": COUNTS, "fast": FLAGS}
UTC = datetime.UTC
NOON = datetime.datetime(2030, 1, 31, 12, tzinfo=UTC)


class Stream:
    """Nothing but an Arrow stream."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


FRAMES: dict[str, Any] = {
    "dict of lists": PLAIN,
    "dict of tuples": {name: tuple(values) for name, values in PLAIN.items()},
    "dict of arrays": {name: np.array(values) for name, values in PLAIN.items()},
    "dict of pandas series": {name: pd.Series(values) for name, values in PLAIN.items()},
    "dict of polars series": {name: pl.Series(values) for name, values in PLAIN.items()},
    "dict of pyarrow arrays": {name: pa.array(values) for name, values in PLAIN.items()},
    "dict of pyarrow chunks": {name: pa.chunked_array([values[:1], values[1:]]) for name, values in PLAIN.items()},
    "structured array": np.array(
        list(zip(*PLAIN.values(), strict=True)),
        dtype=[("consumer", "U8"), ("gb", "f8"), ("count", "i8"), ("fast", "?")],
    ),
    "record array": np.rec.fromarrays(list(PLAIN.values()), names=list(PLAIN)),
    "pandas": pd.DataFrame(PLAIN),
    "polars": pl.DataFrame(PLAIN),
    "pyarrow table": pa.table(PLAIN),
    "pyarrow batch": pa.RecordBatch.from_pydict(PLAIN),
    "arrow stream": Stream(pa.table(PLAIN)),
}


def listed(column: Any) -> list[Any]:
    return column.tolist() if isinstance(column, np.ndarray) else column


@pytest.mark.parametrize("kind", FRAMES)
def test_every_kind_of_table_gives_the_same(kind: str) -> None:
    columns = columns_of(FRAMES[kind])
    assert {name: listed(values) for name, values in columns.items()} == PLAIN
    assert list(columns) == list(PLAIN)
    if "list" not in kind and "tuple" not in kind:
        assert {name: str(getattr(values, "dtype", "list")) for name, values in columns.items()} == {
            "consumer": "list",
            "gb": "float64",
            "count": "int64",
            "fast": "bool",
        }


@pytest.mark.parametrize("rows", [0, 5, 1000])
def test_a_table_comes_back(rows: int) -> None:
    table = Table(_core._example_table(rows))
    # The same through Arrow and a data frame as directly.
    for data in (table, Stream(pa.table(table)), pl.DataFrame(table), pa.table(table)):
        columns = columns_of(data)
        assert list(columns) == table.columns
        for name in table.columns:
            np.testing.assert_equal(columns[name], table[name], err_msg=name)


def test_arrays_are_not_copied() -> None:
    array = np.arange(3.0)
    assert columns_of({"gb": array})["gb"] is array
    frame = pl.DataFrame({"gb": array})
    assert np.shares_memory(np.asarray(columns_of(frame)["gb"]), frame["gb"].to_numpy())


def test_an_empty_dict_has_no_columns() -> None:
    assert columns_of({}) == {}


# --- rows without a value ----------------------------------------------------------------------------------------

GAPS: dict[str, list[Any]] = {
    "text": ["a", None, "b"],
    "number": [0.5, None, 1.5],
    "integer": [1, None, 3],
    "huge": [2**53 + 1, None, 3],
    "flag": [True, None, False],
    "time": [NOON, None, NOON],
    "list": [["a"], None, []],
}
FRAMES_WITH_GAPS: dict[str, Any] = {
    "pyarrow": pa.table(GAPS),
    "polars": pl.DataFrame(GAPS),
    "pandas with arrow types": pa.table(GAPS).to_pandas(types_mapper=pd.ArrowDtype),
    "stream": Stream(pa.table(GAPS)),
}


@pytest.mark.parametrize("kind", FRAMES_WITH_GAPS)
def test_missing_values(kind: str) -> None:
    columns = columns_of(FRAMES_WITH_GAPS[kind])
    np.testing.assert_array_equal(columns["number"], np.array([0.5, np.nan, 1.5]))
    np.testing.assert_array_equal(columns["integer"], np.array([1.0, np.nan, 3.0]))
    assert columns["huge"] == [2**53 + 1, None, 3]
    assert columns["flag"] == [True, None, False]
    assert columns["text"] == ["a", None, "b"]
    assert [None if row is None else list(row) for row in columns["list"]] == [["a"], None, []]
    noon = np.datetime64("2030-01-31T12:00", "ns")
    np.testing.assert_array_equal(columns["time"], np.array([noon, "NaT", noon], dtype="datetime64[ns]"))
    assert np.asarray(columns["time"]).dtype == np.dtype("datetime64[ns]")


@pytest.mark.parametrize("dtype", ["str", "object"])
def test_missing_text_of_pandas_is_none(dtype: str) -> None:
    series = pd.Series(["a", None, "b"], dtype=dtype)
    assert columns_of(pd.DataFrame({"text": series}))["text"] == ["a", None, "b"]
    assert columns_of({"text": series})["text"] == ["a", None, "b"]


@pytest.mark.parametrize(
    ("dtype", "values"),
    [("Int64", [1.0, np.nan]), ("Float64", [1.0, np.nan]), ("float64", [1.0, np.nan]), ("int8", [1, 2])],
)
def test_numbers_of_pandas(dtype: str, values: list[float]) -> None:
    series = pd.Series([1, None if values[1] != values[1] else 2], dtype=dtype)
    column = columns_of({"gb": series})["gb"]
    assert isinstance(column, np.ndarray) and column.dtype.kind in "fi"
    np.testing.assert_array_equal(column, np.array(values))


def test_masked_arrays_have_none() -> None:
    masked = np.ma.masked_array([1, 2, 3], mask=[False, True, False])
    assert columns_of({"count": masked})["count"] == [1, None, 3]
    whole = columns_of({"count": np.ma.masked_array([1, 2])})["count"]
    assert type(whole) is np.ndarray and whole.tolist() == [1, 2]


# --- numbers and times --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("narrow", [np.float32, np.float16])
def test_a_narrow_float_is_its_shortest_decimal(narrow: Any) -> None:
    values = [0.1, 0.3, 1.5, 2.0, np.nan, np.inf, -0.7]
    column = columns_of({"gb": np.array(values, dtype=narrow)})["gb"]
    np.testing.assert_array_equal(column, np.array(values))
    frame = pl.DataFrame({"gb": pl.Series(values, dtype=pl.Float32)})
    np.testing.assert_array_equal(columns_of(frame)["gb"], np.array(values))


def test_decimals_stay_exact() -> None:
    values = [Decimal("0.1"), Decimal("12345678901234567890.5")]
    for data in ({"gb": values}, {"gb": np.array(values)}, pl.DataFrame({"gb": values}), pa.table({"gb": values})):
        assert columns_of(data)["gb"] == values


def test_categories_are_text() -> None:
    series = pd.Series(["a", "b", "a"], dtype="category")
    assert columns_of(pd.DataFrame({"zone": series}))["zone"] == ["a", "b", "a"]
    assert columns_of(pl.DataFrame({"zone": pl.Series(["a", "b"], dtype=pl.Categorical)}))["zone"] == ["a", "b"]


@pytest.mark.parametrize(
    "times",
    [
        np.array(["2030-01-31T12:00"], dtype="datetime64[s]"),
        pd.Series([NOON]),
        pd.Series([NOON]).dt.tz_convert("Asia/Kolkata"),
        pd.Series([NOON.replace(tzinfo=None)]),
        pl.Series([NOON]),
        pl.Series([NOON]).dt.convert_time_zone("America/New_York"),
        pl.Series([NOON.replace(tzinfo=None)]),
        pa.array([NOON]),
    ],
    ids=["numpy", "pandas", "pandas zone", "pandas naive", "polars", "polars zone", "polars naive", "pyarrow"],
)
def test_times_are_nanoseconds_of_utc(times: Any) -> None:
    column = columns_of({"ends": times})["ends"]
    assert isinstance(column, np.ndarray) and column.dtype == np.dtype("datetime64[ns]")
    assert column.astype(np.int64).tolist() == [int(NOON.timestamp()) * 10**9]


def test_dates_are_midnights() -> None:
    day = datetime.date(2030, 1, 31)
    arrow = pa.table({"ends": [day]})
    for data in (pl.DataFrame({"ends": [day]}), arrow, arrow.to_pandas(types_mapper=pd.ArrowDtype)):
        np.testing.assert_array_equal(columns_of(data)["ends"], np.array(["2030-01-31"], dtype="datetime64[ns]"))


def test_a_time_beyond_nanoseconds_is_refused() -> None:
    with pytest.raises(RequestError, match="'ends' holds times outside of the years 1678 to 2261"):
        columns_of({"ends": np.array(["9999-01-01"], dtype="datetime64[s]")})


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"a": [1, 2], "b": [1, 2, 3]}, "columns of unequal length: 'b' has 3 rows, 'a' has 2"),
        ({1: [1]}, "the column name 1 is not text"),
        (pd.DataFrame({1: [1]}), "the column name 1 is not text"),
        ({"a": "text"}, "column 'a' is of type str; give a list"),
        ({"a": 1}, "column 'a' is of type int; give a list"),
        ({"a": np.float64(1)}, "column 'a' is of type float64; give a list"),
        ({"a": np.ones((2, 2))}, r"column 'a' has 2 dimensions \(shape \(2, 2\)\); give one"),
        ({"a": np.array(1)}, r"column 'a' has 0 dimensions"),
        ([{"a": 1}], "a list is no table; give a dict of lists"),
        (np.ones((2, 2)), "a ndarray is no table; give"),
        (None, "a NoneType is no table; give"),
        ("mail.csv", "a str is no table; give"),
        (pl.LazyFrame({"a": [1]}), "a LazyFrame has no rows yet"),
        (pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]), "a Table cannot be read: .*'a'"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "a DataFrame cannot be read: .*'a'"),
    ],
)
def test_refused(data: Any, message: str) -> None:
    with pytest.raises(RequestError, match=f"(?s){message}"):
        columns_of(data)


def test_missing_narwhals_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "narwhals", None)
    with pytest.raises(MissingExtra, match=r"pip install 'apportion\[all\]'"):
        columns_of(pl.DataFrame({"a": [1]}))
    assert columns_of({"a": [1]}) == {"a": [1]}


def test_streams_are_read_with_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"polars"}
    monkeypatch.setattr(_columns, "find_spec", lambda name: name if name in installed else None)
    assert columns_of(Stream(pa.table(PLAIN)))["consumer"] == NAMES
    assert columns_of({"consumer": pa.array(NAMES)})["consumer"] == NAMES
    installed.clear()
    with pytest.raises(RequestError, match="pip install pyarrow"):
        columns_of(Stream(pa.table(PLAIN)))


def test_a_million_rows() -> None:
    rows = 1_000_000
    numbers = np.arange(rows) / 8
    frame = pl.DataFrame({"gb": numbers, "consumer": (np.arange(rows) % 1000).astype(str)})
    columns = columns_of(frame)
    np.testing.assert_array_equal(columns["gb"], numbers)
    assert columns["consumer"][-1] == "999"
