"""What is told: tables, data, pages."""

import json
import re
from pathlib import Path

import pytest

import apportion as ap
from apportion.simulate import openb
from apportion.simulate.openb import report

WORKLOAD = openb.synthetic(12, seed=3)
OUTCOMES = openb.runs([WORKLOAD], [openb.policies_in()["fgd"]], [1, 2])
MEANS = openb.means(OUTCOMES, {}, [100])


def test_rows_match_the_header() -> None:
    assert {len(row) for row in report.rows(MEANS)} == {len(report.HEADER)}
    outside = openb.Mean("default", "fgd", "allocation", 130, 90.0, 0.5, 3, published=95.0, tolerance=0.75)
    assert report.rows([outside])[0][3:] == ("130 %", "90.00 %", "0.50", "95.00 %", "-5.00", "0.75", "no")
    assert report.rows(MEANS)[0][6:] == ("-", "-", "-", "-")


def test_data_are_plain() -> None:
    found = json.loads(json.dumps(report.as_dict([WORKLOAD], 1.3, OUTCOMES, MEANS), allow_nan=False))
    assert found["workloads"][0] == {
        "pods": "synthetic",
        "source": "12 nodes, seed 3",
        "listed": len(WORKLOAD.pods.name),
        "nodes": 12,
        "gpus": WORKLOAD.capacity // 1000,
    }
    assert [run["seed"] for run in found["runs"]] == [1, 2]
    assert len(found["runs"][0]["allocation"]) == len(OUTCOMES[0].curves.allocation)
    assert {mean["measure"] for mean in found["means"]} == {"allocation", "fragmentation"}


def test_the_summary_counts() -> None:
    text = report.summary(WORKLOAD, 1.3, [1, 2])
    assert f"on 12 nodes with {WORKLOAD.capacity // 1000} GPUs; arrivals up to 130% of the GPUs, seeds 1 to 2" in text


def test_a_chart_has_a_panel_per_list_and_measure(tmp_path: Path) -> None:
    pytest.importorskip("altair", reason="the extra [view] is not installed")
    pytest.importorskip("vl_convert", reason="the extra [view] is not installed")
    drawn = openb.chart(OUTCOMES, {})
    values = drawn.to_dict()["data"]["values"]
    assert {row["panel"] for row in values} == {"synthetic: GPUs allocated, %", "synthetic: idle GPUs of no use, %"}
    openb.write_chart(drawn, tmp_path / "a.html", "<b>", MEANS)
    page = (tmp_path / "a.html").read_text()
    assert "&lt;b&gt;" in page and "<svg" in page and "<td>fgd</td>" in page
    assert not re.search(r"(?:href|src)=\"(?!#)", page), "it fetches nothing"
    openb.write_chart(drawn, tmp_path / "a.svg", "", MEANS)
    assert (tmp_path / "a.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(("name", "message"), [("a.png", "ends in .svg or .html"), ("no/a.svg", "there is no folder")])
def test_charts_that_cannot_be_written_are_refused_before_the_work(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(ap.RequestError, match=message):
        report.check_chart(tmp_path / name)
