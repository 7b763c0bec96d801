"""What all reports have: frozen, escaped, aligned."""

import json

import pytest

from apportion._reports import Report, aligned, html_table


def test_a_report_is_frozen_plain_data() -> None:
    report = Report({"stages": [{"name": "type", "before": 2, "after": 1, "detail": "disk"}]})
    assert json.loads(report.to_json()) == report.to_dict()
    assert report.to_dict() is not report.data
    with pytest.raises(AttributeError, match="frozen"):
        report.data = {}
    with pytest.raises(AttributeError, match="frozen"):
        del report.data
    with pytest.raises(TypeError):
        report.data["stages"] = []  # type: ignore[index]


def test_tables_are_escaped() -> None:
    table = html_table(("a<b",), [("<i>",), (3,)], "x & y")
    assert table == (
        "<table><caption>x &amp; y</caption><thead><tr><th>a&lt;b</th></tr></thead>"
        "<tbody><tr><td>&lt;i&gt;</td></tr><tr><td>3</td></tr></tbody></table>"
    )


def test_columns_are_aligned() -> None:
    assert aligned([("a", "bb"), ("ccc", "d")]) == ["  a    bb", "  ccc  d"]


def test_an_expression_of_several_lines_stands_in_one_row() -> None:
    assert aligned([("score", "x"), ("1 +\n  2", "y")]) == ["  score  x", "  1 + 2  y"]
