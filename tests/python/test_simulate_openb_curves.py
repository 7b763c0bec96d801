"""The two measures against records that are written after every arrival, and with the arithmetic in sight."""

import numpy as np
import pytest
import reference_openb as reference

from apportion.simulate import openb


@pytest.mark.parametrize("policy", ["best_fit", "fgd_unstranded", "random"])
def test_curves_are_the_means_of_records(policy: str) -> None:
    workload = openb.synthetic(25, seed=6)
    drawn = openb.arrivals(workload, seed=2)
    pool = openb.make_pool(workload, openb.policies_in()[policy], drawn.nodes)
    placed = openb.decide(workload, pool, drawn.pods)
    curves = openb.measure(workload, drawn.pods, placed)
    places = [(int(n), np.flatnonzero(taken).tolist()) for n, taken in zip(placed.node, placed.taken, strict=True)]
    records = reference.curves(workload, drawn, places)
    assert len(curves.allocation) == len(curves.fragmentation) == records[-1][0] + 1
    empty = 0
    for percent in range(records[-1][0] + 1):
        near = [r for r in records if r[0] == percent] or [r for r in records if abs(r[0] - percent) == 1]
        empty += not near
        if not near:
            assert np.isnan(curves.allocation[percent]) and np.isnan(curves.fragmentation[percent])
            continue
        assert curves.allocation[percent] == pytest.approx(sum(r[1] for r in near) / len(near), abs=0.0051)
        assert curves.fragmentation[percent] == pytest.approx(sum(r[2] for r in near) / len(near), abs=1e-9)
    assert empty < len(curves.allocation) / 2


def _small() -> openb.Workload:
    """A node of two GPUs, one of one; three pods: half a GPU with 1 core, a whole one with 4, none with 9 cores."""
    nodes = openb.Nodes(["a", "b"], np.array([8000, 2000]), np.array([9, 9]), np.array([2, 1]), ["X", "Y"])
    pods = openb.Pods(
        ["p", "q", "r"],
        np.array([1000, 4000, 9000]),
        np.array([1, 1, 1]),
        np.array([1, 1, 0]),
        np.array([500, 1000, 0]),
        [(), ("X",), ()],
    )
    return openb.Workload("small", "by hand", nodes, pods)


@pytest.mark.parametrize(
    ("node", "millicores", "milli", "lost"),
    [
        # p can use all, q too; r asks for no GPU: 2000
        (0, 8000, [1000, 1000], 0 + 0 + 2000),
        # p can use neither piece of 400, q neither: 3 x 1400 but for p and q, who can use the 1000
        (0, 8000, [400, 1000], 400 + 400 + 1400),
        # no cores for q; p uses the 600, not the 400
        (0, 3999, [400, 600], 400 + 1000 + 1000),
        # b is not for q
        (1, 2000, [1000, 0], 0 + 1000 + 1000),
        # no cores for p either
        (1, 999, [1000, 0], 1000 + 1000 + 1000),
        (1, 999, [0, 0], 0),
    ],
)
def test_what_typical_pods_have_no_use_for(node: int, millicores: int, milli: list[int], lost: int) -> None:
    found = openb.fragmentation(_small(), np.array([node]), np.array([millicores]), np.array([milli]))
    assert found.tolist() == [lost]


def test_nothing_idle_is_nothing_fragmented() -> None:
    # three arrivals of a whole GPU, the last one denied: 33, 67 and 100 % of 3000 have arrived
    placed = openb.Placements(np.array([0, 0, 1]), np.array([[1000, 0], [0, 1000], [1000, 0]]), 0.0)
    curves = openb.measure(_small(), np.array([1, 1, 1]), placed)
    assert curves.allocation[[33, 67, 100]].tolist() == [33.33, 66.67, 100.0]
    # after the first: a has 1000 and 4 cores: of no use to r alone; b 1000: of no use to q and r. 3000 / 3 of 2000 idle
    assert curves.fragmentation[33] == 50.0
    assert curves.fragmentation[100] == 0.0
    assert np.isnan(curves.allocation[50]) and curves.allocation[34] == 33.33
