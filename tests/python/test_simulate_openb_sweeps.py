"""Sweeps: every combination, gains on equal arrivals, the best first."""

from decimal import Decimal

import numpy as np
import pytest

import apportion as ap
from apportion.simulate import openb
from apportion.simulate.openb import sweeps

WORKLOADS = [openb.synthetic(12, seed=3), openb.synthetic(15, seed=4)]
POLICIES = openb.policies_in()


def test_every_combination_stands_once() -> None:
    settings = sweeps.settings_of(["strand_weight=0.1, 0.50", "score_step=5,10,20"])
    assert settings == {"strand_weight": [Decimal("0.1"), Decimal("0.50")], "score_step": [5, 10, 20]}
    found = openb.variants(POLICIES["fgd_unstranded"], settings)
    assert len({(each.constants["strand_weight"], each.constants["score_step"]) for each in found}) == len(found) == 6
    assert {each.constants["scarcity_weight"] for each in found} == {1}
    assert found[1].title == "fgd_unstranded strand_weight=0.1 score_step=10"
    assert openb.variants(POLICIES["fgd"], {}) == [openb.variants(POLICIES["fgd"], {})[0]]


@pytest.mark.parametrize("text", ["weight", "weight=", "=1", "weight=,"])
def test_settings_that_make_no_sense(text: str) -> None:
    with pytest.raises(ap.RequestError, match="is not NAME=VALUE,VALUE"):
        sweeps.settings_of([text])
    with pytest.raises(ap.RequestError, match="'a' is set twice"):
        sweeps.settings_of(["a=1", "a=2"])


def test_gains_are_differences_on_equal_arrivals() -> None:
    made = [WORKLOADS[0], openb.Workload("other", "", WORKLOADS[1].nodes, WORKLOADS[1].pods)]
    tried = openb.variants(POLICIES["fgd_unstranded"], {"strand_weight": [0, 1]})
    tried.append(POLICIES["random"])
    found = openb.sweep(made, tried, POLICIES["fgd"], [1, 2])
    assert len(found) == 3 and found[-1].policy == "random"
    assert [each.mean for each in found] == sorted((each.mean for each in found), reverse=True)
    for each in found:
        policy = next(p for p in tried if p.name == each.policy and p.constants == each.constants)
        for workload in made:
            own, other = (
                [float(openb.run(workload, p, seed).curves.allocation[100]) for seed in (1, 2)]
                for p in (policy, POLICIES["fgd"])
            )
            assert each.allocations[workload.name] == pytest.approx(np.mean(own), abs=1e-3)
            assert each.gains[workload.name] == pytest.approx(np.mean(own) - np.mean(other), abs=1e-3)
        assert each.worst == min(each.gains.values())
        assert each.mean == pytest.approx(sum(each.gains.values()) / 2)


def test_tables_and_data() -> None:
    found = openb.sweep(
        WORKLOADS[:1], openb.variants(POLICIES["fgd_unstranded"], {"score_step": [Decimal(5)]}), POLICIES["fgd"], [1]
    )
    assert sweeps.header(found, ["score_step"]) == ("policy", "score_step", "synthetic", "mean", "worst")
    assert sweeps.rows(found, ["score_step"])[0][:2] == ("fgd_unstranded", "5")
    plain = sweeps.as_dict(found, POLICIES["fgd"], 100, [1])
    assert plain["variants"][0]["constants"] == {"strand_weight": 0.5, "scarcity_weight": 1, "score_step": 5.0}
    assert (plain["against"], plain["percent"], plain["seeds"]) == ("fgd", 100, [1])


def test_a_percent_that_does_not_arrive_is_refused() -> None:
    with pytest.raises(ap.RequestError, match=r"allocation at 131 % of arrived load; arrivals end at 130 %"):
        openb.sweep(WORKLOADS[:1], [], POLICIES["fgd"], [1], percent=131)
