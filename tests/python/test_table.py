"""Tables: columns, rows, the one-line and HTML forms, and the Arrow stream as data frames read it."""

import datetime
import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import compute

from apportion import _core
from apportion._errors import RequestError, UnknownName
from apportion.table import Table

SIZES = [0, 1, 7, 8, 9, 1000]
# The time of row i is i seconds and a nanosecond after this.
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


class Wide:
    """Offers the example table with 64-bit offsets wherever text or lists hold more than `limit`."""

    def __init__(self, rows: int, limit: int) -> None:
        self.rows, self.limit = rows, limit

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return _core._example_stream(self.rows, self.limit)


def example(rows: int) -> Table:
    return Table(_core._example_table(rows), "examples", "0.0.12")


def expected(rows: int) -> dict[str, list[Any]]:
    """What the columns hold, computed row by row in Python."""
    plain: dict[str, list[Any]] = {
        "integer": list(range(rows)),
        "number": [i / 2 for i in range(rows)],
        "boolean": [i % 2 == 1 for i in range(rows)],
        "text": ["" if i % 5 == 4 else f"zoë-{i}" for i in range(rows)],
        "texts": [[f"a€{i}"] * (i % 3) for i in range(rows)],
        "time": [EPOCH + datetime.timedelta(seconds=i) for i in range(rows)],
    }
    plain["packed"] = plain["text"]  # held otherwise, and not to be told apart
    some = {f"some_{name}": [None if i % 3 == 0 else v for i, v in enumerate(c)] for name, c in plain.items()}
    return plain | some


def pylist(table: pa.Table) -> dict[str, list[Any]]:
    """The values of an Arrow table, times cut to microseconds as in `to_dict`."""
    fields = [pa.field(f.name, pa.timestamp("us", "UTC")) if pa.types.is_timestamp(f.type) else f for f in table.schema]
    return table.cast(pa.schema(fields), safe=False).to_pydict()


# --- columns and rows ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", SIZES)
def test_to_dict_holds_what_the_table_holds(rows: int) -> None:
    table = example(rows)
    assert len(table) == rows
    assert table.columns == list(expected(rows))
    assert table.to_dict() == expected(rows)


@pytest.mark.parametrize("rows", [0, 5, 2500])  # 2500: more than one block of rows
def test_rows_are_the_columns_turned(rows: int) -> None:
    table, columns = example(rows), expected(rows)
    turned = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    assert list(table) == turned
    assert table.rows() == turned
    assert table.rows(limit=3) == turned[:3]
    assert table.rows(limit=0) == []


def test_a_negative_limit_is_refused() -> None:
    with pytest.raises(RequestError, match="limit is -1"):
        example(2).rows(limit=-1)


@pytest.mark.parametrize(
    ("name", "dtype", "values"),
    [
        ("integer", "int64", [0, 1, 2, 3]),
        ("number", "float64", [0.0, 0.5, 1.0, 1.5]),
        ("boolean", "bool", [False, True, False, True]),
        ("some_integer", "float64", [np.nan, 1.0, 2.0, np.nan]),
        ("some_number", "float64", [np.nan, 0.5, 1.0, np.nan]),
    ],
)
def test_numbers_are_arrays(name: str, dtype: str, values: list[Any]) -> None:
    column = example(4)[name]
    assert isinstance(column, np.ndarray)
    assert column.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(column, np.array(values, dtype=dtype))
    assert not column.flags.writeable


def test_times_are_datetime64() -> None:
    table = example(4)
    whole, some = table["time"], table["some_time"]
    assert isinstance(whole, np.ndarray) and isinstance(some, np.ndarray)
    assert whole.dtype == some.dtype == np.dtype("datetime64[ns]")
    assert whole.astype(np.int64).tolist() == [i * 10**9 + 1 for i in range(4)]
    assert np.isnat(some).tolist() == [True, False, False, True]
    assert some[1:3].tolist() == whole[1:3].tolist()


@pytest.mark.parametrize("name", ["text", "texts", "some_text", "some_texts", "some_boolean", "packed", "some_packed"])
def test_other_columns_are_lists(name: str) -> None:
    assert example(5)[name] == expected(5)[name]


def test_an_unknown_column_names_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="no column 'gb'; the columns are integer, number"):
        example(1)["gb"]
    with pytest.raises(KeyError, match="no column 'gb'"):
        example(1).core.column("gb")


def test_a_table_is_frozen() -> None:
    table = example(1)
    with pytest.raises(AttributeError):
        table.name = "other"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        table.core.num_rows = 3  # type: ignore[misc]


def test_repr_is_one_line() -> None:
    assert repr(example(1000)) == "Table(examples: 1000 rows x 14 columns, revision 0.0.12)"
    assert repr(Table(_core._example_table(1))) == "Table(table: 1 row x 14 columns)"


def test_html_is_small_and_escaped() -> None:
    page = Table(_core._example_table(11), "<b>&")._repr_html_()
    assert "<b>" not in page and "Table(&lt;b&gt;&amp;: 11 rows" in page
    assert page.count("<tr>") == 11  # the head and ten rows
    assert "<td>zoë-9</td>" not in page and "<td>zoë-8</td>" in page  # rows 4 and 9 hold an empty text
    assert "and 1 more" in page
    assert '<td style="text-align: right">0.5</td>' in page
    assert "more" not in example(10)._repr_html_()


# --- Arrow --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", SIZES)
def test_pyarrow_reads_every_kind(rows: int) -> None:
    read = pa.table(example(rows))
    read.validate(full=True)
    assert [str(kind) for kind in read.schema.types[:6]] == [
        "int64",
        "double",
        "bool",
        "string",
        "list<item: string>",
        "timestamp[ns, tz=UTC]",
    ]
    assert read.num_rows == rows
    assert pylist(read) == expected(rows)
    assert [read[name].null_count for name in ("text", "some_text")] == [0, (rows + 2) // 3]


@pytest.mark.parametrize("rows", SIZES)
def test_polars_reads_every_kind(rows: int) -> None:
    read = pl.DataFrame(example(rows))
    assert read.shape == (rows, 14)
    assert read.schema["texts"] == pl.List(pl.String)
    read = read.with_columns(pl.col("time", "some_time").dt.cast_time_unit("us"))
    assert read.to_dict(as_series=False) == expected(rows)


@pytest.mark.parametrize("rows", SIZES)
def test_pandas_reads_every_kind(rows: int) -> None:
    table = example(rows)
    read = pd.DataFrame.from_arrow(table) if hasattr(pd.DataFrame, "from_arrow") else pa.table(table).to_pandas()
    assert read.shape == (rows, 14)
    assert read["integer"].dtype == np.int64
    assert read["text"].tolist() == expected(rows)["text"]
    assert [list(value) for value in read["texts"]] == expected(rows)["texts"]
    np.testing.assert_array_equal(read["some_number"].to_numpy(float), np.asarray(table["some_number"], dtype=float))
    np.testing.assert_array_equal(read["time"].to_numpy("datetime64[ns]"), table["time"])
    assert read["some_text"].isna().tolist() == [i % 3 == 0 for i in range(rows)]


def test_nanoarrow_reads_every_kind() -> None:
    nanoarrow = pytest.importorskip("nanoarrow")
    read = nanoarrow.ArrayStream(example(9)).read_all()
    columns = {field.name: values for field, values in zip(read.schema.fields, read.iter_children(), strict=True)}
    for name in ("integer", "some_number", "boolean", "text", "some_texts", "some_packed"):
        assert list(columns[name].iter_py()) == expected(9)[name], name


@pytest.mark.parametrize("limit", [0, 20])  # 20: three rows hold 18 bytes of text, but 24 bytes in lists
def test_long_text_takes_the_large_kinds(limit: int) -> None:
    read = pa.table(Wide(3, limit))
    read.validate(full=True)
    large = limit == 0
    # "zoë-0", "zoë-1", "zoë-2": 3 x 6 = 18 bytes. "a€1", "a€2", "a€2": 3 x 5 = 15 bytes in 3 items.
    for name in ("text", "packed"):
        assert read.schema.field(name).type == (pa.large_string() if large else pa.string())
    item = pa.field("item", pa.large_string() if large else pa.string())
    assert read.schema.field("texts").type == (pa.large_list(item) if large else pa.list_(item))
    assert pylist(read) == expected(3)
    assert pl.DataFrame(Wide(3, limit))["texts"].to_list() == expected(3)["texts"]


def test_only_the_offsets_that_overflow_are_large() -> None:
    # 15 bytes in 3 items: beyond 10 bytes, within 10 items.
    read = pa.table(Wide(3, 10))
    assert read.schema.field("texts").type == pa.list_(pa.field("item", pa.large_string()))
    assert pylist(read) == expected(3)


def test_a_table_without_columns() -> None:
    empty = Table(_core.Table())
    assert len(empty) == 0 and empty.columns == [] and empty.to_dict() == {} and list(empty) == []
    assert pa.table(empty).shape == (0, 0)
    assert pl.DataFrame(empty).shape == (0, 0)


def test_slices_read_the_right_rows() -> None:
    read = pa.table(example(100))
    assert pylist(read.slice(37, 20)) == {name: values[37:57] for name, values in expected(100).items()}
    frame = pl.DataFrame(example(100)).slice(37, 20)
    assert frame["some_text"].to_list() == expected(100)["some_text"][37:57]


def test_a_million_rows() -> None:
    rows = 1_000_000
    table = example(rows)
    read = pa.table(table)
    assert read.num_rows == rows
    assert compute.sum(read["integer"]).as_py() == rows * (rows - 1) // 2
    assert read["some_integer"].null_count == (rows + 2) // 3
    assert read["text"][rows - 2].as_py() == f"zoë-{rows - 2}"
    assert np.nansum(np.asarray(table["some_integer"])) == sum(i for i in range(rows) if i % 3)


# --- lifetime -----------------------------------------------------------------------------------------------------


def test_arrays_share_memory_and_outlive_the_table() -> None:
    table = example(1000)
    first, second = table["integer"], table["integer"]
    assert isinstance(first, np.ndarray) and isinstance(second, np.ndarray)
    assert np.shares_memory(first, second)
    arrow = pa.table(table)["integer"].chunk(0)
    assert arrow.buffers()[1].address == first.ctypes.data
    packed = [pa.table(table)["packed"].chunk(0).buffers()[2].address for _ in range(2)]
    assert packed[0] == packed[1], "the bytes of packed text are not copied"
    core = weakref.ref(table.core)
    del table
    gc.collect()
    assert core() is None
    assert first.sum() == 499_500 == compute.sum(arrow).as_py()


READERS: dict[str, Callable[[Any], Any]] = {"pyarrow": pa.table, "polars": pl.DataFrame}


@pytest.mark.parametrize("reader", READERS)
def test_frames_outlive_the_table(reader: str) -> None:
    frame = READERS[reader](example(1000))
    gc.collect()
    assert list(map(str, frame["text"])) == expected(1000)["text"]


def test_a_column_outlives_its_batch() -> None:
    column = pa.table(example(50))["some_texts"]
    gc.collect()
    assert column.to_pylist() == expected(50)["some_texts"]


def test_a_stream_may_be_left_alone_or_half_read() -> None:
    capsule = example(10).__arrow_c_stream__()
    assert type(capsule).__name__ == "PyCapsule" and '"arrow_array_stream"' in repr(capsule)
    del capsule
    reader = pa.RecordBatchReader.from_stream(example(10))
    assert reader.schema.names == list(expected(10))
    del reader
    reader = pa.RecordBatchReader.from_stream(example(10))
    assert len(list(reader)) == 1
    assert len(list(reader)) == 0


def resident() -> int:
    """Bytes of memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_repeated_exports_do_not_grow() -> None:
    # Each export copies about 0.5 MB of text for 20,000 rows; 200 of them leaked would be 100 MB.
    table = example(20_000)

    def export(times: int) -> int:
        for _ in range(times):
            pa.table(table)
            table["some_number"]
            table.__arrow_c_stream__()
        gc.collect()
        return resident()

    before = export(30)
    assert export(200) - before < 30_000_000


def test_printed_tables_show_their_first_and_last_rows() -> None:
    lines = str(Table(_core._example_table(200), "examples")).splitlines()
    assert lines[0] == "Table(examples: 200 rows x 14 columns)"
    assert len(lines) == 1 + 1 + 5 + 1 + 5
    assert lines[1].startswith("integer  number  boolean")
    assert [line.split()[0] for line in lines[2:]] == [*"01234", "...", "195", "196", "197", "198", "199"]
    assert all(len(line) <= 120 for line in lines) and lines[1].endswith(" ...")
    assert len(str(Table(_core._example_table(10), "examples")).splitlines()) == 12
    assert str(Table(_core.Table(), "nothing")) == "Table(nothing: 0 rows x 0 columns)"
    assert str(Table(_core._example_table(0), "none")).splitlines()[1].startswith("integer")
