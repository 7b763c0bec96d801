"""Charts: the numbers in them, and the text that comes out."""

import importlib
import re
from typing import Any

import pytest

import apportion as ap
from apportion.view import charts


def _need_view() -> None:
    pytest.importorskip("altair", reason="the extra [view] is not installed")
    pytest.importorskip("vl_convert", reason="the extra [view] is not installed")


def _values(chart: Any) -> list[dict[str, Any]]:
    values: list[dict[str, Any]] = chart.to_dict()["data"]["values"]
    return values


def test_histogram_counts_every_instance_once() -> None:
    _need_view()
    values = _values(charts.utilisation({"a": [0.0, 0.04, 0.05, 0.999, 1.0], "b": []}))
    counts = [row["count"] for row in values if row["series"] == "a"]
    assert (counts[0], counts[1], counts[-1], sum(counts)) == (2, 1, 2, 5)  # 0 and 0.04; 0.05; 0.999 and 1


def test_fits_counts_whole_requests_per_instance() -> None:
    _need_view()
    # 10 + 7 + 2 free: of size 3 there fit 3 + 2 + 0, of size 10 one
    values = _values(charts.fits({"a": [10, 7, 2]}, [3, 10], "GB"))
    assert [(row["size"], row["count"]) for row in values] == [(3, 5), (10, 1)]


def test_curves_are_lines_and_dots_by_panel() -> None:
    _need_view()
    chart = charts.curves({"up": {"a": [(0, 1), (1, 2)]}, "down": {"a": [(0, 5)]}}, "time", {"up": {"a": [(1, 3)]}})
    found = [(row["panel"], row["dot"], row["x"], row["y"]) for row in _values(chart)]
    assert found == [("up", False, 0, 1), ("up", False, 1, 2), ("down", False, 0, 5), ("up", True, 1, 3)]
    assert charts.svg(chart).count("<svg") == 1


def test_svg_is_one_element_without_references() -> None:
    _need_view()
    text = charts.svg(charts.utilisation({"<b>": [0.5]}))
    assert text.startswith("<svg") and text.rstrip().endswith("</svg>")
    assert "<b>" not in text
    assert not re.search(r"(?:href|src)=\"(?!#)", text)


def test_a_missing_extra_is_answered_with_the_line_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", gone)
    with pytest.raises(ap.MissingExtra, match=r"pip install 'apportion\[view\]'"):
        charts.utilisation({"a": [0.5]})
