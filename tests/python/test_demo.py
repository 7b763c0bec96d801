"""The demonstration in small: same program, fewer stores and mailboxes."""

import json
import re
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import apportion as ap
from apportion import demo
from apportion import view as view_module


@pytest.fixture(scope="module")
def told() -> list[str]:
    return []


@pytest.fixture(scope="module")
def result(told: list[str]) -> Iterator[demo.Result]:
    narrator = demo.Narrator(
        told.append, lambda total, label: nullcontext(lambda steps: told.append(f"{label} {steps}"))
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "STORES", 100)
        patch.setattr(demo, "MAILBOXES", 1000)
        yield demo.run(1, narrator)


def test_it_tells_the_story(result: demo.Result, told: list[str]) -> None:
    story = "\n".join(told)
    for part in (
        "[types.store]",
        "1,000 people",
        "least_utilised 250",
        "Denied, fragmented",
        "closest_capacity decided",
    ):
        assert part in story


def test_the_policies_decided_the_same_requests(result: demo.Result) -> None:
    spread, packed = result.comparisons
    assert (spread.policy, packed.policy) == demo.POLICIES
    assert spread.granted + spread.denied == packed.granted + packed.denied == 1000
    assert packed.stores_in_use < spread.stores_in_use
    assert packed.mean_utilisation > spread.mean_utilisation
    assert spread.archives_that_fit == 0 < packed.archives_that_fit
    assert spread.largest_free_gb == max(demo._free(result.pools["least_utilised"]))


def test_draining_stores_take_nothing(result: demo.Result) -> None:
    rows = [row for pool in result.pools.values() for row in pool.instances if row["status"] != "online"]
    assert rows and all(row["claims"] == 0 for row in rows)


def test_equal_seeds_give_equal_requests() -> None:
    assert demo.make_requests(3) == demo.make_requests(3) != demo.make_requests(4)
    assert demo.make_service(3).hash == demo.make_service(3).hash != demo.make_service(4).hash


def test_figures_are_plain_data(result: demo.Result) -> None:
    data = json.loads(json.dumps(result.to_dict()))
    assert [row["policy"] for row in data["policies"]] == list(demo.POLICIES)
    assert data["denial"]["class"] == "fragmented"


def _page(result: demo.Result, path: Path) -> str:
    demo.render(result, path)
    return path.read_text(encoding="utf-8")


def test_the_page_fetches_nothing(result: demo.Result, tmp_path: Path) -> None:
    pytest.importorskip("altair", reason="the extra [view] is not installed")
    pytest.importorskip("vl_convert", reason="the extra [view] is not installed")
    page = _page(result, tmp_path / "demo.html")
    assert page.count("<svg") == 2
    assert not re.search(r"<script|<link|<img|@import|url\((?!#)|(?:href|src)=\"(?!#)", page)
    assert "Denied, fragmented" in page


def test_without_the_extra_the_page_says_how_to_get_charts(
    result: demo.Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: Any) -> None:
        raise ap.MissingExtra("view", "charts")

    monkeypatch.setattr(view_module, "svg", missing)
    page = _page(result, tmp_path / "demo.html")
    assert "<svg" not in page
    assert "pip install &#x27;apportion[view]&#x27;" in page


def test_the_page_escapes_what_it_shows(result: demo.Result, tmp_path: Path) -> None:
    page = _page(replace(result, archive="<b>store</b>"), tmp_path / "demo.html")
    assert "<b>store" not in page
