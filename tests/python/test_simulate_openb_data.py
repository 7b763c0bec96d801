"""The data: reading, refusing, making up."""

import gzip
from pathlib import Path

import pytest

import apportion as ap
from apportion.simulate import openb

NODES = "sn,cpu_milli,memory_mib,gpu,model\nn1,64000,1024,2,T4\nn0,32000,2048,8,V100\n"
PODS = (
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos\n"
    "p2,4000,100,1,500,T4|V100,LS\np0,2000,50,0,0,,LS\np1,8000,200,2,1000,,BE\n"
)
PUBLISHED = (
    "metric,workload,policy,arrived_percent,mean,stdev,seeds\n"
    "gpu_allocation_percent,mine,FGD,10,9.5,0.5,10\ngpu_allocation_percent,mine,FGD,5,4.9,0.25,10\n"
    "fragmentation_ratio_percent,mine,BestFit,5,20,1,9\nanother_measure,mine,FGD,5,1,1,1\n"
    "gpu_allocation_percent,other,FGD,5,1,1,1\n"
)


def _folder(folder: Path, nodes: str = NODES, pods: str = PODS, published: str | None = None) -> Path:
    for name, text in (("node_list_gpu_node", nodes), ("pod_list_mine", pods)):
        with gzip.open(folder / f"openb_{name}.csv.gz", "wt") as file:
            file.write(text)
    if published is not None:
        (folder / "published_results.csv").write_text(published)
    return folder


def test_rows_stand_in_the_order_of_their_names(tmp_path: Path) -> None:
    found = openb.read(_folder(tmp_path), "mine")
    assert found.nodes.name == ["n0", "n1"]
    assert found.nodes.gpus.tolist() == [8, 2] and found.nodes.model == ["V100", "T4"]
    assert found.nodes.millicores.tolist() == [32000, 64000] and found.nodes.mib.tolist() == [2048, 1024]
    assert found.pods.name == ["p0", "p1", "p2"]
    assert found.pods.models == [(), (), ("T4", "V100")]
    assert found.asked.tolist() == [0, 2000, 500]
    assert found.kinds == ["", "whole_2", "share"]
    assert found.capacity == 10_000


@pytest.mark.parametrize(
    ("nodes", "pods", "message"),
    [
        ("sn,gpu\n", PODS, "line 1: no column cpu_milli, memory_mib, model"),
        ("sn,cpu_milli,memory_mib,gpu,model\n", PODS, "holds no GPUs"),
        (NODES + "n2,1,1\n", PODS, "line 4: expected sn,cpu_milli"),
        (NODES + "n2,1,1,-1,T4\n", PODS, "line 4: -1 is negative"),
        (NODES, "name,cpu_milli,memory_mib,num_gpu,gpu_milli\np,1,1,0,0\n", "no pod that asks for a GPU"),
        (NODES, PODS + "p3,many,1,0,0,,\n", "line 5: invalid literal for int"),
        (NODES, PODS + "p3,1,1,2,500,,\n", "line 5: 2 x 500 thousandths of a GPU"),
        (NODES, PODS + "p3,1,1,1,0,,\n", "line 5: 1 x 0 thousandths"),
    ],
)
def test_bad_files_are_refused_with_their_line(tmp_path: Path, nodes: str, pods: str, message: str) -> None:
    with pytest.raises(ap.RequestError, match=message):
        openb.read(_folder(tmp_path, nodes, pods), "mine")


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "openb"
    folder.mkdir()
    _folder(folder)
    assert openb.find(tmp_path) == openb.find(folder) == folder
    monkeypatch.setenv("APPORTION_DATA", str(tmp_path))
    assert openb.find() == folder
    monkeypatch.setenv("APPORTION_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(ap.RequestError, match=r"--data or \$APPORTION_DATA, or make a cluster up with --synthetic"):
        openb.find()
    with pytest.raises(ap.RequestError, match=r"no list of pods 'yours' in .*; there are mine"):
        openb.read(folder, "yours")
    (folder / "openb_node_list_gpu_node.csv.gz").write_bytes(b"no gzip")
    with pytest.raises(ap.RequestError, match="cannot be read"):
        openb.read(folder, "mine")


def test_published_results_by_policy_and_measure(tmp_path: Path) -> None:
    found = openb.published(_folder(tmp_path, published=PUBLISHED), "mine")
    assert set(found) == {("fgd", "allocation"), ("best_fit", "fragmentation")}
    percent, mean, deviation, seeds = found["fgd", "allocation"]
    assert (percent.tolist(), mean.tolist(), deviation.tolist(), seeds) == ([5, 10], [4.9, 9.5], [0.25, 0.5], 10)
    (tmp_path / "published_results.csv").write_text(PUBLISHED + "gpu_allocation_percent,mine,FGD,x,1,1,1\n")
    with pytest.raises(ap.RequestError, match=r"published_results.csv, line 7: "):
        openb.published(tmp_path, "mine")
    (tmp_path / "published_results.csv").unlink()
    assert openb.published(tmp_path, "mine") == {}


def test_made_up_clusters_have_what_is_hard() -> None:
    made = openb.synthetic(60, seed=2)
    assert len(made.nodes.name) == 60 and len(set(made.nodes.model)) == 4
    assert made.capacity - 250 < made.asked.sum() <= made.capacity
    assert {"", "share", "whole_1", "whole_2", "whole_8"} <= set(made.kinds)
    assert {(), ("M2",), ("M1",), ("M1", "M4")} == set(made.pods.models)
    assert 0.5 < made.pods.millicores.sum() / made.nodes.millicores.sum() < 0.9
    again, other = openb.synthetic(60, seed=2), openb.synthetic(60, seed=3)
    assert again.pods.models == made.pods.models and again.asked.tolist() == made.asked.tolist()
    assert other.asked.tolist() != made.asked.tolist()
    assert openb.synthetic(1, seed=0).capacity >= 1000
    with pytest.raises(ap.RequestError, match="a cluster of 0 nodes"):
        openb.synthetic(0)


def test_real_lists_are_read(data_folder: Path) -> None:
    folder = openb.find(data_folder)
    sizes = {}
    for name in openb.LISTS:
        found = openb.read(folder, name)
        assert (len(found.nodes.name), found.capacity) == (1_213, 6_212_000)
        sizes[name] = (len(found.pods.name), len(openb.typical(found).pods))
        assert len(openb.published(folder, name)) == 12
    assert sizes == {
        "default": (8_152, 35),
        "cpu250": (9_420, 34),
        "gpushare100": (8_152, 21),
        "gpuspec33": (8_152, 127),
        "multigpu50": (9_061, 43),
    }
