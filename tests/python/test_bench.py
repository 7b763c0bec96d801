"""The benchmark's rows; how fast they are is nobody's business here."""

import math

import pytest

import apportion as ap
from apportion import bench


@pytest.fixture(scope="module")
def allocator() -> list[bench.Row]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "_BATCH", 20)
        return bench.measure(seconds=0.001, instances=100)


@pytest.fixture(scope="module")
def state() -> list[bench.Row]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "_DOCUMENT_INSTANCES", 100)
        return bench.measure("state", seconds=0.001)


def test_every_row_has_its_yardstick(allocator: list[bench.Row], state: list[bench.Row]) -> None:
    for row in [*allocator, *state]:
        assert row.name and row.unit and row.against and row.note
        assert row.value > 0 and row.yardstick > 0, row
        assert math.isclose(row.ratio, row.value / row.yardstick, rel_tol=1e-9), row


def test_every_name_is_measured_in_order(allocator: list[bench.Row], state: list[bench.Row]) -> None:
    assert [row.name for row in allocator] == bench.names(instances=100)
    assert [row.name for row in state] == bench.names("state")


def test_names_are_those_of_the_core_and_two_of_python() -> None:
    names = bench.names()
    assert len(set(names)) == len(names)
    assert {"pairs.hot16.first", "fork_us", "ns_per_pair.scale.1M"} <= set(names)
    assert names[-2:] == ["pairs.python.single", "pairs.python.columns"]


def test_columns_are_measured_against_the_core() -> None:
    told: list[bench.Row] = []
    rows = bench.measure(rows="python.columns", seconds=0.001, instances=100, tell=told.append)
    assert told == rows
    assert [row.name for row in rows] == ["pairs.python.columns"]
    assert rows[0].against == "pairs.hot16.closest_capacity, in C++"


def test_a_pattern_selects_rows_and_each_is_told_once() -> None:
    told: list[bench.Row] = []
    rows = bench.measure(rows="fork", seconds=0.001, instances=100, tell=told.append)
    assert [row.name for row in rows] == ["fork_us", "pairs.after_fork"]
    assert told == rows


def test_pairs_keep_the_pool_as_full_as_it_is() -> None:
    border = bench._Border(100)
    before = len(border._pool.claims)
    for _ in range(200):
        border._pair()
    assert len(border._pool.claims) == before
    assert border._denied < 200


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"suite": "other"}, "there is no suite 'other'"),
        ({"rows": "no such"}, "no row is called like 'no such'"),
        ({"instances": 99}, "at least 100 instances"),
    ],
)
def test_misuse(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ap.RequestError, match=message):
        bench.measure(seconds=0.001, **arguments)  # type: ignore[arg-type]


def test_an_error_in_tell_stops_the_run() -> None:
    def stop(row: bench.Row) -> None:
        raise KeyboardInterrupt(row.name)

    with pytest.raises(KeyboardInterrupt, match=r"pairs\.hot16\.closest_capacity"):
        bench.measure(rows="pairs.hot16", seconds=0.001, instances=100, tell=stop)
