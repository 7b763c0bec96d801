"""Policies as documents: the typical pods, names in texts, files of one's own."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import reference_openb as reference

import apportion as ap
from apportion.simulate import openb
from apportion.simulate.openb.policies import type_of

WORKLOAD = openb.synthetic(40, seed=3)


def _file(folder: Path, text: str) -> dict[str, openb.Policy]:
    (folder / "mine.toml").write_text(text)
    return openb.policies_in(folder / "mine.toml")


def test_typical_pods_are_those_counted_by_hand() -> None:
    world = reference.World(WORKLOAD, [])
    kinds = openb.typical(WORKLOAD)
    columns = (each.tolist() for each in kinds[:4])
    expected = [(count, pod.millicores, pod.gpus, pod.milli, pod.models) for count, pod in world.typical]
    assert list(zip(*columns, kinds.models, strict=True)) == expected
    assert 0.95 * len(WORKLOAD.pods.name) <= kinds.pods.sum() < len(WORKLOAD.pods.name)


def test_scarcity_is_what_particular_pods_ask_for() -> None:
    nodes = openb.Nodes(["a", "b"], *(np.array([1, 1]),) * 2, np.array([2, 3]), ["X", "Y"])
    columns = (np.array([1, 1, 1]),) * 2
    pods = openb.Pods(
        ["p", "q", "r"], *columns, np.array([1, 1, 1]), np.array([1000, 500, 900]), [("X",), ("X", "Y"), ()]
    )
    # X: 1000 of its 2000, and 500 of the 5000 of both; Y: the latter alone
    assert openb.scarcity(openb.Workload("w", "", nodes, pods)) == {"X": 0.6, "Y": 0.1}


def test_every_shipped_policy_is_a_document_that_a_pool_takes() -> None:
    for name, policy in openb.policies_in().items():
        tree = openb.document(WORKLOAD, policy, seed=9)
        ap.Pool().apply(tree)
        assert tree["types"]["node"]["policy"] == name
        assert policy.definition["description"]
        assert "$" not in str(tree)
    assert openb.document(WORKLOAD, openb.policies_in()["random"], seed=9)["policies"]["random"]["seed"] == 9


def test_pods_that_want_certain_models_are_of_their_own_type() -> None:
    types = openb.document(WORKLOAD, openb.policies_in()["fgd"])["types"]
    assert set(types) == {"node", "gpu", "pod", "pod_m1", "pod_m2", "pod_m1_m4"}
    assert types["pod_m1_m4"]["needs"][0]["require"] == 'self.model in ["M1", "M4"]'
    assert "require" not in types["pod"]["needs"][0]
    assert type_of(("A-1",)) == "pod_a_1"


def test_constants_stand_in_texts(tmp_path: Path) -> None:
    found = _file(
        tmp_path,
        """
[constants]
weight = 0.25
far = 3
[gpus]
mine = "loose"
[policies.mine]
score = "$weight * free.millicores + ${millicores_per_milli}"
quantum = "$weight"
[policies.loose]
score = "-$far * free.milli"
""",
    )
    mine = found["mine"]
    assert (mine.gpus, mine.constants) == ("loose", {"weight": Decimal("0.25"), "far": 3})
    policies = openb.document(WORKLOAD, mine.with_constants({"weight": Decimal("0.5")}))["policies"]
    assert policies["mine"]["score"].startswith("0.5 * free.millicores + ")
    assert policies["mine"]["quantum"] == Decimal("0.5")
    assert policies["loose"]["score"] == "-3 * free.milli"
    with pytest.raises(ap.UnknownName, match="policy 'mine' has no constant 'wait'; there are weight, far"):
        mine.with_constants({"wait": 1})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("description = 'nothing'", "mine.toml defines no policy"),
        ("gpus = 3\n[policies.a]\nscore = '0'", "mine.toml: gpus is a table, found 3"),
        ("[gpus]\nb = 'together'\n[policies.a]\nscore = '0'", "gpus.b: there is no such policy; there are a"),
    ],
)
def test_files_that_make_no_sense(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ap.RequestError, match=message):
        _file(tmp_path, text)


def test_an_unknown_constant_is_named_with_those_there_are(tmp_path: Path) -> None:
    mine = _file(tmp_path, "[policies.a]\nscore = '$wait'")["a"]
    with pytest.raises(
        ap.RequestError, match=r"policies.a.score: 'wait' is no constant; there are millicores_per_milli"
    ):
        openb.document(WORKLOAD, mine)


def test_a_score_that_does_not_compile_is_named_with_its_line(tmp_path: Path) -> None:
    mine = _file(tmp_path, "[policies.a]\ndescription = 'x'\nscore = 'free.cores'")["a"]
    with pytest.raises(ap.DocumentError, match=r"mine.toml: line 3, column 1: policies.a.score: .*'free.cores'"):
        openb.make_pool(WORKLOAD, mine, [])
