"""The benchmark's rows; how fast they are is nobody's business here."""

import math

import pytest

from apportion import bench


@pytest.fixture(scope="module")
def rows() -> list[bench.Row]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "INSTANCES", 20)
        patch.setattr(bench, "CLAIMS", 40)
        return bench.measure(0.02)


def test_every_row_has_its_yardstick(rows: list[bench.Row]) -> None:
    for row in rows:
        assert row.name and row.unit and row.against
        assert row.value > 0 and row.yardstick > 0
        assert math.isclose(row.ratio, row.value / row.yardstick, rel_tol=1e-9), row


def test_what_is_measured(rows: list[bench.Row]) -> None:
    names = [row.name for row in rows]
    assert len(set(names)) == len(names)
    assert sum(name.startswith("allocate and release, ") for name in names) == 7
    assert {"fork", "snapshot", "restore", "replay", "load a document"} <= set(names)


def test_progress_counts_the_rows() -> None:
    told: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "INSTANCES", 10)
        patch.setattr(bench, "CLAIMS", 10)
        assert len(bench.measure(0.01, told.append)) == sum(told) == bench.ROWS
