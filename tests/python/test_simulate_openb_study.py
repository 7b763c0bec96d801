"""Many runs: means with the arithmetic in sight, and runs that are kept."""

import math
from pathlib import Path

import numpy as np
import pytest

from apportion.simulate import openb
from apportion.simulate.openb import study

WORKLOAD = openb.synthetic(12, seed=3)
POLICIES = openb.policies_in()


def _outcome(seed: int, allocation: list[float]) -> openb.Outcome:
    curves = openb.Curves(np.array(allocation), np.zeros(len(allocation)))
    return openb.Outcome("default", "fgd", seed, 3, 1, curves, 0.5)


def test_means_and_what_was_published() -> None:
    outcomes = [_outcome(1, [0.0, 1.0, math.nan]), _outcome(2, [0.0, 2.0, 5.0]), _outcome(3, [0.0, 6.0])]
    reference = openb.Reference(np.array([0, 1]), np.array([0.0, 2.25]), np.array([0.0, 1.0]), 10)
    found = openb.means(outcomes, {"default": {("fgd", "allocation"): reference}}, [1, 2, 3])
    at_1, at_2 = (mean for mean in found if mean.measure == "allocation")
    # (1 + 2 + 6) / 3, s = sqrt((4 + 1 + 9) / 2); 0.3 + 3 x 1 x sqrt(1/10 + 1/3)
    assert (at_1.mean, at_1.seeds, at_1.published) == (3.0, 3, 2.25)
    assert at_1.deviation == pytest.approx(math.sqrt(7))
    assert at_1.tolerance == pytest.approx(0.3 + 3 * math.sqrt(13 / 30))
    assert (at_1.difference, at_1.inside) == (0.75, True)
    assert (at_2.mean, at_2.seeds, at_2.published, at_2.difference, at_2.inside) == (5.0, 1, None, None, None)
    assert math.isnan(at_2.deviation)
    assert [mean.percent for mean in openb.means(outcomes, {}) if mean.measure == "fragmentation"] == [0, 1, 2]


def test_outside_the_tolerance() -> None:
    reference = openb.Reference(np.array([1]), np.array([2.0]), np.array([0.0]), 10)
    near, far = (
        openb.means([_outcome(1, [0.0, value])], {"default": {("fgd", "allocation"): reference}}, [1])[0]
        for value in (2.299, 2.301)
    )
    assert (near.inside, far.inside) == (True, False)


def test_runs_come_by_policy_and_seed_and_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policies = [POLICIES["fgd"], POLICIES["random"]]
    told: list[int] = []
    found = openb.runs([WORKLOAD], policies, [1, 2], keep=tmp_path / "runs", progress=told.append)
    assert [(each.policy, each.seed) for each in found] == [("fgd", 1), ("fgd", 2), ("random", 1), ("random", 2)]
    direct = openb.run(WORKLOAD, POLICIES["random"], 2)
    assert np.allclose(found[3].curves.allocation, direct.curves.allocation, equal_nan=True)
    assert (found[3].placed, found[3].denied) == (direct.placed, direct.denied)

    def unwanted(*_: object) -> None:
        raise AssertionError("kept runs are not run again")

    monkeypatch.setattr(study, "run", unwanted)
    again = openb.runs([WORKLOAD], policies[::-1], [2, 1], keep=tmp_path / "runs")
    assert [study.as_plain(each) for each in again] == [study.as_plain(found[at]) for at in (3, 2, 1, 0)]
    with pytest.raises(AssertionError):
        openb.runs([WORKLOAD], policies, [3], keep=tmp_path / "runs")


def test_a_run_is_another_one_when_anything_else_is() -> None:
    policy = POLICIES["fgd_unstranded"]
    names = [
        study.fingerprint(WORKLOAD, policy, 1),
        study.fingerprint(WORKLOAD, policy, 2),
        study.fingerprint(WORKLOAD, policy, 1, load=1.2),
        study.fingerprint(WORKLOAD, policy.with_constants({"score_step": 20}), 1),
        study.fingerprint(WORKLOAD, POLICIES["fgd"], 1),
        study.fingerprint(openb.synthetic(12, seed=4), policy, 1),
    ]
    assert len(set(names)) == len(names)
    assert study.fingerprint(openb.synthetic(12, seed=3), openb.policies_in()["fgd_unstranded"], 1) == names[0]
