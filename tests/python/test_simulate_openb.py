"""The experiment against plain Python, placement by placement, and against what was published."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import reference_openb as reference

from apportion.simulate import openb

POLICIES = openb.policies_in()


def _placed(workload: openb.Workload, drawn: openb.Arrivals, policy: str, seed: int = 0) -> openb.Placements:
    pool = openb.make_pool(workload, POLICIES[policy], drawn.nodes, seed)
    return openb.decide(workload, pool, drawn.pods)


@pytest.mark.parametrize("policy", sorted(reference.SCORES))
def test_every_placement_equals_that_by_hand(policy: str) -> None:
    workload = openb.synthetic(40, seed=3)
    drawn = openb.arrivals(workload, seed=5)
    assert len(drawn.pods) >= 200
    placed = _placed(workload, drawn, policy)
    found = [(int(node), np.flatnonzero(taken).tolist()) for node, taken in zip(placed.node, placed.taken, strict=True)]
    expected, _ = reference.play(workload, drawn, policy)
    assert found == [(node, sorted(gpus)) for node, gpus in expected]
    denied = sum(node < 0 for node, _ in expected)
    assert 10 < denied < len(expected) / 2, "the case must have both answers"


def test_policies_differ_on_that_case() -> None:
    workload = openb.synthetic(40, seed=3)
    drawn = openb.arrivals(workload, seed=5)
    found = {tuple(_placed(workload, drawn, policy).node.tolist()) for policy in POLICIES}
    assert len(found) == len(POLICIES)


def test_random_takes_any_node_and_any_gpu() -> None:
    # 10 nodes of 8 GPUs; one pod with half a GPU. 200 draws: each node gets 20 in the mean, each GPU number 25.
    full = openb.synthetic(60, seed=1)
    large = [row for row in range(60) if full.nodes.gpus[row] == 8][:10]
    pods = np.flatnonzero((full.pods.milli == 500) & np.array([not models for models in full.pods.models]))[:1]
    nodes, gpus = Counter[int](), Counter[int]()
    for seed in range(200):
        placed = openb.decide(full, openb.make_pool(full, POLICIES["random"], large, seed), pods)
        nodes[int(placed.node[0])] += 1
        gpus[int(placed.taken[0].argmax())] += 1
    assert set(nodes) == set(large) and set(gpus) == set(range(8))
    assert max(nodes.values()) < 45 and max(gpus.values()) < 55  # 5 standard deviations


@pytest.mark.parametrize("policy", [name for name in POLICIES if name != "fgd_unstranded"])
def test_real_cluster_as_published(data_folder: Path, policy: str) -> None:
    """One seed of our own up to full load: every published point lies within the tolerance for one seed."""
    folder = openb.find(data_folder)
    workload, published = openb.read(folder, "default"), openb.published(folder, "default")
    outcome = openb.run(workload, POLICIES[policy], seed=7, load=1.01)
    found = openb.means([outcome], {"default": published}, [20, 40, 60, 80, 90, 95, 100])
    assert len(found) == 14
    outside = [mean for mean in found if not mean.inside]
    assert not outside
    wrong = openb.means([outcome], {"default": {(policy, m): published["random", m] for m in openb.MEASURES}})
    assert policy == "random" or not all(mean.inside for mean in wrong if mean.published is not None)
