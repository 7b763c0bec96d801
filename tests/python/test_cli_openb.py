"""The command line: a cluster with GPUs that fills up."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from apportion.cli import main
from apportion.simulate import openb
from apportion.simulate.openb import study

COMMON = ("simulate", "openb", "--synthetic", "12", "--jobs", "1")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments, **options: CliRunner().invoke(main, [str(a) for a in arguments], **options)


def test_a_row_per_policy_measure_and_percent(run: Callable[..., Result]) -> None:
    result = run(*COMMON, "--policy", "fgd,random", "--policy", "best_fit", "--seeds", 2)
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines() if line]
    assert lines[0][0] == "synthetic" and lines[1][:3] == ["pods", "policy", "measure"]
    assert [(line[1], line[2]) for line in lines[2:]] == [
        (policy, measure) for policy in ("fgd", "random", "best_fit") for measure in openb.MEASURES for _ in range(2)
    ]


def test_json_is_what_the_library_gives(run: Callable[..., Result]) -> None:
    report = json.loads(run(*COMMON, "--policy", "random", "--seeds", 1, "--first-seed", 5, "--json").stdout)
    direct = openb.run(openb.synthetic(12), openb.policies_in()["random"], 5)
    found = report["runs"][0]
    assert (found["seed"], found["placed"], found["denied"]) == (5, direct.placed, direct.denied)
    assert found["allocation"] == study.as_plain(direct)["allocation"]
    assert report["workloads"][0]["nodes"] == 12


def test_kept_runs_are_not_run_again(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    options = (*COMMON, "--policy", "fgd", "--seeds", 2, "--keep", "runs.jsonl", "--json")
    first = run(*options)
    assert len(Path("runs.jsonl").read_text().splitlines()) == 2
    monkeypatch.setattr(study, "run", None)
    assert run(*options).stdout == first.stdout


def test_a_file_of_policies_and_a_chart(run: Callable[..., Result]) -> None:
    pytest.importorskip("altair", reason="the extra [view] is not installed")
    Path("mine.toml").write_text('[policies.mine]\nscore = "free.millicores"\n[policies.yours]\nscore = "0"\n')
    result = run(*COMMON, "--policy", "mine.toml", "--seeds", 1, "--chart", "curves.svg")
    assert result.exit_code == 0, result.output
    assert {line.split()[1] for line in result.stdout.splitlines()[3:]} == {"mine", "yours"}
    assert "mine" in Path("curves.svg").read_text()


def test_the_document_of_a_policy_is_printed(run: Callable[..., Result]) -> None:
    printed = run(*COMMON, "--show-policy", "fgd")
    Path("fgd.toml").write_text(printed.stdout)
    assert run("check", "fgd.toml").exit_code == 0
    tree = json.loads(run(*COMMON, "--show-policy", "fgd", "--json").stdout)
    assert tree == openb.document(openb.synthetic(12), openb.policies_in()["fgd"], 1)


def test_a_folder_is_read_with_what_was_published(run: Callable[..., Result], data_folder: Path) -> None:
    result = run(
        "simulate", "openb", "--data", data_folder, "--pods", "multigpu50", "--load", 0.3, "--seeds", 1, "--jobs", 1,
        "--policy", "fgd", "--json",
    )  # fmt: skip
    report = json.loads(result.stdout)
    last = [mean for mean in report["means"] if mean["percent"] == 30]
    assert [mean["inside"] for mean in last] == [True, True]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--policy", "nearest"), "there is no policy 'nearest'; there are random, best_fit"),
        (("--policy", "none.toml"), "none.toml: No such file or directory"),
        (("--data", "."), "--synthetic makes a cluster and its pods up"),
        (("--chart", "a.png"), "ends in .svg or .html"),
        (("--load", "0"), "a load of 0 times all GPUs"),
        (("--keep", "wrong.txt"), "wrong.txt, line 1: no finished run"),
    ],
)
def test_misuse_is_one_message(run: Callable[..., Result], options: tuple[str, ...], says: str) -> None:
    Path("wrong.txt").write_text("something else\n")
    result = run(*COMMON, *options)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_without_data_it_says_how_to_go_on(run: Callable[..., Result]) -> None:
    result = run("simulate", "openb", "--data", "nowhere")
    assert result.exit_code == 2
    assert "make a cluster up with --synthetic 60" in result.stderr
