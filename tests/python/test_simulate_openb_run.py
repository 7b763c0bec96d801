"""Arrivals and runs: who comes in which order, and what a pool does with them."""

from collections import Counter

import numpy as np
import pytest

import apportion as ap
from apportion.simulate import openb

WORKLOAD = openb.synthetic(40, seed=3)
POLICIES = openb.policies_in()


def test_the_list_comes_once_then_pods_drawn_from_it() -> None:
    drawn = openb.arrivals(WORKLOAD, seed=1)
    listed = len(WORKLOAD.pods.name)
    assert sorted(drawn.pods[:listed].tolist()) == list(range(listed))
    assert drawn.pods[:listed].tolist() != list(range(listed))
    asked = np.cumsum(WORKLOAD.asked[drawn.pods])
    assert 1.3 * WORKLOAD.capacity - 8000 < asked[-1] <= 1.3 * WORKLOAD.capacity + 7000  # one may ask for eight GPUs
    assert sorted(drawn.nodes.tolist()) == list(range(40)) and drawn.nodes.tolist() != list(range(40))


def test_too_long_a_list_is_thinned_out_at_random() -> None:
    listed = len(WORKLOAD.pods.name)
    taken = Counter[int]()
    for seed in range(60):
        drawn = openb.arrivals(WORKLOAD, seed, load=0.5)
        assert WORKLOAD.asked[drawn.pods].sum() <= 0.5 * WORKLOAD.capacity
        assert len(set(drawn.pods.tolist())) == len(drawn.pods) < listed
        taken.update(drawn.pods.tolist())
    assert all(5 < taken[row] < 55 for row in range(listed)), "about half of 60 times, whatever they ask for"


def test_equal_seeds_give_equal_arrivals() -> None:
    first, again, other = (openb.arrivals(WORKLOAD, seed) for seed in (1, 1, 2))
    assert first.pods.tolist() == again.pods.tolist() and first.nodes.tolist() == again.nodes.tolist()
    assert first.pods.tolist() != other.pods.tolist()
    with pytest.raises(ap.RequestError, match="a load of 0 times all GPUs"):
        openb.arrivals(WORKLOAD, 1, load=0)


def test_the_pool_holds_the_cluster_in_that_order() -> None:
    drawn = openb.arrivals(WORKLOAD, seed=1)
    pool = openb.make_pool(WORKLOAD, POLICIES["fgd"], drawn.nodes)
    names = [name for name in pool.instances["id"] if "/" not in name]
    assert names == [WORKLOAD.nodes.name[row] for row in drawn.nodes]
    first = WORKLOAD.nodes.name[int(drawn.nodes[0])]
    assert pool.instance(f"{first}/gpu0")["parent"] == first
    assert len(pool.instances) - 40 == WORKLOAD.capacity / 1000


@pytest.mark.parametrize("policy", POLICIES)
def test_nothing_is_given_twice(policy: str) -> None:
    drawn = openb.arrivals(WORKLOAD, seed=1)
    told: list[int] = []
    pool = openb.make_pool(WORKLOAD, POLICIES[policy], drawn.nodes, seed=1)
    placed = openb.decide(WORKLOAD, pool, drawn.pods, told.append)
    assert sum(told) == len(drawn.pods)
    there = placed.node >= 0
    pods, nodes = WORKLOAD.pods, WORKLOAD.nodes
    assert np.array_equal(placed.taken.sum(axis=1)[there], WORKLOAD.asked[drawn.pods][there])
    assert not placed.taken[~there].any()
    for row in range(40):
        on = drawn.pods[placed.node == row]
        assert pods.millicores[on].sum() <= nodes.millicores[row] and pods.mib[on].sum() <= nodes.mib[row]
        used = placed.taken[placed.node == row].sum(axis=0)
        assert used.max(initial=0) <= 1000 and not used[nodes.gpus[row] :].any()
        assert all(not pods.models[pod] or nodes.model[row] in pods.models[pod] for pod in on)


def test_a_run_is_its_parts() -> None:
    outcome = openb.run(WORKLOAD, POLICIES["random"], seed=4)
    drawn = openb.arrivals(WORKLOAD, seed=4)
    placed = openb.decide(WORKLOAD, openb.make_pool(WORKLOAD, POLICIES["random"], drawn.nodes, seed=4), drawn.pods)
    assert (outcome.placed, outcome.denied) == (int((placed.node >= 0).sum()), int((placed.node < 0).sum()))
    direct = openb.measure(WORKLOAD, drawn.pods, placed)
    assert np.array_equal(outcome.curves.allocation, direct.allocation, equal_nan=True)
    assert (outcome.pods, outcome.policy, outcome.seed) == ("synthetic", "random", 4)
    assert outcome.decisions_per_second > 0
