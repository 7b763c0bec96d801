"""Columns in bulk: whatever holds a table becomes named lists and NumPy arrays of equal length.

Numbers, booleans and times become one-dimensional arrays, everything else a list of Python objects. A row without a
value is

====================  ==============================================================================================
among floats          NaN
among integers        NaN, and the column float64; None in a list where that would round (beyond 2^53)
among times           NaT
anywhere else         None, in a list
====================  ==============================================================================================

Arrays share the memory of the caller's where no conversion is needed.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from apportion._errors import MissingExtra, RequestError
from apportion._requests import NS
from apportion.table import Table

__all__ = ["Column", "claim_columns", "columns_of", "event_columns"]

Column: TypeAlias = "NDArray[Any] | list[Any]"

_EXACT = 2**53  # float64 holds every integer up to here
_FORMS = "a dict of lists or arrays, a structured array, or a data frame (pandas, polars, pyarrow, Arrow stream)"


def columns_of(data: object) -> dict[str, Column]:
    """Read the columns of a table.

    Parameters
    ----------
    data : dict, structured ndarray, Table, data frame or Arrow stream
        A dict of lists, tuples, arrays or series; a structured or record array; a data frame of pandas, polars, pyarrow
        or another kind that narwhals knows; anything with ``__arrow_c_stream__``. A float32 stands for its shortest
        decimal (0.1, not 0.10000000149). Times with a zone are converted to UTC, times without one are UTC.

    Returns
    -------
    dict of str to ndarray or list
        In the order of `data`, all of the same length. Arrays have one dimension and hold bool, integers, float64 or
        ``datetime64[ns]``.

    Raises
    ------
    RequestError
        Not a table, a name that is not text or stands twice, columns of unequal length, an array with more than one
        dimension, a time outside of the years 1678 to 2261.
    MissingExtra
        A data frame without narwhals.

    Examples
    --------
    >>> import numpy as np
    >>> columns_of({"consumer": ["alice", "bob"], "gb": np.array([1.5, 2])})
    {'consumer': ['alice', 'bob'], 'gb': array([1.5, 2. ])}
    """
    if isinstance(data, Table):
        columns = {name: _column(name, data[name]) for name in data.columns}
    elif isinstance(data, Mapping):
        columns = {_name(name): _column(name, values) for name, values in data.items()}
    elif isinstance(data, np.ndarray) and data.dtype.names is not None:
        columns = {name: _column(name, data[name]) for name in data.dtype.names}
    else:
        columns = _columns_of_frame(data)
    _check_lengths(columns)
    return columns


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise RequestError(f"the column name {name!r} is not text")
    return name


def _check_lengths(columns: dict[str, Column]) -> None:
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        longest, shortest = max(lengths, key=lengths.__getitem__), min(lengths, key=lengths.__getitem__)
        raise RequestError(
            f"columns of unequal length: {longest!r} has {lengths[longest]} rows, {shortest!r} has {lengths[shortest]}"
        )


def _column(name: str, values: Any) -> Column:
    if isinstance(values, list):
        return values
    if isinstance(values, tuple | range):
        return list(values)
    if isinstance(values, np.ndarray):
        return _column_of_array(name, values)
    if hasattr(values, "__arrow_c_array__") or hasattr(values, "__arrow_c_stream__") or hasattr(values, "dtype"):
        return _column_of_series(name, _series(name, values))
    raise RequestError(
        f"column {name!r} is of type {type(values).__name__}; give a list, an array or a series with a value per row"
    )


def claim_columns(answers: object) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Read the slots and generations of the claims in rows of answers; rows that say they were not granted count not.

    Parameters
    ----------
    answers
        As for `columns_of`.

    Returns
    -------
    tuple of ndarray of uint32
        Of equal length.

    Raises
    ------
    RequestError
        No such columns, or values that are none of a claim.
    """
    columns = columns_of(answers)
    chosen: Any = slice(None)
    if "granted" in columns and len(columns["granted"]):
        chosen = np.asarray(columns["granted"])
        if chosen.dtype.kind != "b":
            raise RequestError(f"granted: expected booleans, found {columns['granted'][0]!r}")
    slots, generations = (_counts(columns, name, chosen) for name in ("slot", "generation"))
    return slots, generations


def _counts(columns: dict[str, Column], name: str, chosen: Any) -> NDArray[np.uint32]:
    if name not in columns:
        raise RequestError(f"rows of answers have a column {name!r}; the columns are {', '.join(columns) or 'none'}")
    try:
        values = np.asarray(columns[name], dtype=np.float64)[chosen]  # exact: they are below 2^32
    except (TypeError, ValueError) as error:
        raise RequestError(f"{name}: expected whole numbers") from error
    if not ((values >= 0) & (values < 2**32) & (values == np.trunc(values))).all():
        raise RequestError(f"{name}: expected whole numbers from 0 to 2^32 - 1 in rows that were granted")
    counts: NDArray[np.uint32] = values.astype(np.uint32)
    return counts


def event_columns(order: object, times: object = None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Read what happens, row numbers, and when.

    Parameters
    ----------
    order : sequence of int
        A list, an array or a series.
    times : sequence of float or datetime64, optional
        Seconds since the epoch, or times as in `columns_of`.

    Returns
    -------
    tuple of ndarray of int64
        Row numbers; nanoseconds since the epoch, none without `times`.

    Raises
    ------
    RequestError
        When they are no such lists, or of unequal length.
    """
    columns = columns_of({"order": order} if times is None else {"order": order, "times": times})
    return _row_numbers(columns["order"]), _nanoseconds_of(columns.get("times", []))


def _row_numbers(values: Column) -> NDArray[np.int64]:
    numbers = np.asarray(values) if len(values) else np.empty(0, np.int64)
    if numbers.dtype.kind not in "iu" or numbers.dtype == np.uint64:
        raise RequestError("order: expected row numbers, whole numbers from 0")
    return numbers.astype(np.int64, copy=False)


def _nanoseconds_of(values: Column) -> NDArray[np.int64]:
    moments = np.asarray(values) if len(values) else np.empty(0)
    if moments.dtype.kind in "iuf":
        moments = np.rint(moments.astype(np.float64) * NS)
        if not (np.abs(moments) < 2.0**63).all():  # NaN is not either
            raise RequestError("times: expected numbers of seconds")
    elif moments.dtype.kind != "M" or np.isnat(moments).any():
        raise RequestError("times: expected seconds since the epoch, or times")
    return moments.astype(np.int64)


# --- arrays -----------------------------------------------------------------------------------------------------


def _column_of_array(name: str, values: NDArray[Any]) -> Column:
    if values.ndim != 1:
        raise RequestError(f"column {name!r} has {values.ndim} dimensions (shape {values.shape}); give one")
    if isinstance(values, np.ma.MaskedArray):
        masked: list[Any] = values.tolist()  # None where masked
        return masked if np.ma.is_masked(values) else _column_of_array(name, values.data)
    if values.dtype.kind == "f":
        return _float64(values)
    if values.dtype.kind == "M":
        return _nanoseconds(name, values)
    return values if values.dtype.kind in "biu" else list(values.tolist())


def _float64(values: NDArray[Any]) -> NDArray[np.float64]:
    if values.dtype.itemsize >= 8:
        return values.astype(np.float64, copy=False)
    wide = values.astype(np.float64)
    # Whole numbers are the same in both widths; the others go through their shortest decimal.
    parts = np.isfinite(wide) & (wide != np.trunc(wide))
    wide[parts] = values[parts].astype(str).astype(np.float64)
    return wide


def _nanoseconds(name: str, values: NDArray[Any]) -> NDArray[Any]:
    exact = values.astype("datetime64[ns]", copy=False)
    if exact is not values and not np.array_equal(exact.astype(values.dtype), values, equal_nan=True):
        raise RequestError(f"column {name!r} holds times outside of the years 1678 to 2261")
    return exact


# --- data frames ------------------------------------------------------------------------------------------------


def _narwhals() -> Any:
    """Narwhals, imported when a data frame comes along: it is not needed to start."""
    try:
        return importlib.import_module("narwhals")
    except ImportError as error:
        raise MissingExtra("all", "columns from data frames") from error


def _arrow_backend() -> str:
    """Name the installed library that turns an Arrow stream into columns."""
    for name in ("pyarrow", "polars"):
        if find_spec(name) is not None:
            return name
    raise RequestError("an Arrow stream is read with pyarrow or polars, and none is installed: pip install pyarrow")


def _columns_of_frame(data: Any) -> dict[str, Column]:
    if type(data).__name__ == "LazyFrame":
        raise RequestError("a LazyFrame has no rows yet; give the result of its collect()")
    if not (hasattr(data, "__arrow_c_stream__") or hasattr(data, "columns")):
        kind = type(data).__name__
        raise RequestError(f"{'an' if kind[0] in 'aeiou' else 'a'} {kind} is no table; give {_FORMS}")
    nw = _narwhals()
    try:
        frame = nw.from_native(data, eager_only=True, pass_through=True)
        if not isinstance(frame, nw.DataFrame):
            frame = nw.from_arrow(data, backend=_arrow_backend())
    except (nw.exceptions.NarwhalsError, TypeError) as error:  # column names that stand twice; no table after all
        raise RequestError(f"a {type(data).__name__} cannot be read: {error}") from error
    return {_name(name): _column_of_series(name, frame.get_column(name)) for name in frame.columns}


def _series(name: str, values: Any) -> Any:
    """Give the series of narwhals for a column of some library."""
    nw = _narwhals()
    series = nw.from_native(values, series_only=True, pass_through=True)
    if isinstance(series, nw.Series):
        return series
    if not (hasattr(values, "__arrow_c_array__") or hasattr(values, "__arrow_c_stream__")):
        raise RequestError(f"column {name!r} is of type {type(values).__name__}; give a list, an array or a series")
    if _arrow_backend() == "polars":
        return nw.from_native(importlib.import_module("polars").Series(values), series_only=True)
    arrow = importlib.import_module("pyarrow")
    chunks = [arrow.array(values)] if hasattr(values, "__arrow_c_array__") else values
    return nw.from_native(arrow.chunked_array(chunks), series_only=True)


def _column_of_series(name: str, series: Any) -> Column:
    nw = _narwhals()
    kind = series.dtype
    nulls = series.null_count() > 0
    if kind.is_float():
        return _column_of_array(name, series.to_numpy())
    if kind.is_integer() and (not nulls or max(abs(series.min() or 0), abs(series.max() or 0)) <= _EXACT):
        return _column_of_array(name, (series.cast(nw.Float64) if nulls else series).to_numpy())
    if kind == nw.Boolean and not nulls:
        return _column_of_array(name, series.to_numpy())
    if kind in (nw.Datetime, nw.Date):
        return _column_of_array(name, _times(series))
    values: list[Any] = series.to_list()
    if nulls:  # pandas writes some of them as NaN
        missing = series.is_null().to_list()
        values = [None if gone else value for value, gone in zip(values, missing, strict=True)]
    return values


def _times(series: Any) -> NDArray[Any]:
    nw = _narwhals()
    if getattr(series.dtype, "time_zone", None) is not None:
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if series.dtype == nw.Date:
        series = series.cast(nw.Datetime("us"))
    values: NDArray[Any] = series.to_numpy()
    return values
