"""The command line: sweeps."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from apportion.cli import main

COMMON = ("sweep", "openb", "--synthetic", "12", "--jobs", "1", "--seeds", "1")
MINE = """
[constants]
weight = 1
[policies.mine]
score = "free.millicores / 1000 - $weight * inside.gpu.free.milli"
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command in a folder with mine.toml."""
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(MINE)
    return lambda *arguments, **options: CliRunner().invoke(main, [str(a) for a in arguments], **options)


def test_choices_are_ranked(run: Callable[..., Result]) -> None:
    options = (*COMMON, "--policy", "mine.toml", "--set", "weight=-0.1,0,0.1", "--against", "best_fit")
    result = run(*options, "--keep", "runs.jsonl")
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines() if line]
    assert lines[2] == ["policy", "weight", "synthetic", "mean", "worst"]
    assert sorted(line[1] for line in lines[3:]) == ["-0.1", "0", "0.1"]
    gains = [float(line[3]) for line in lines[3:]]
    assert gains == sorted(gains, reverse=True) and gains[0] > gains[-1]
    assert len(Path("runs.jsonl").read_text().splitlines()) == 4
    found = json.loads(run(*options, "--keep", "runs.jsonl", "--json").stdout)
    assert [f"{each['mean_gain']:+.2f}" for each in found["variants"]] == [line[3] for line in lines[3:]]
    assert found["against"] == "best_fit"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "Missing option '--policy'"),
        (("--policy", "mine.toml", "--set", "wait=1"), "policy 'mine' has no constant 'wait'; there are weight"),
        (("--policy", "mine.toml", "--set", "weight"), "is not NAME=VALUE,VALUE"),
        (("--policy", "mine.toml", "--set", "weight=x"), "mine.toml: line 5, column 1: policies.mine.score"),
        (("--policy", "mine.toml", "--against", "fgd,random"), "name one policy"),
        (("--policy", "mine.toml", "--at", "140"), "arrivals end at 130 %"),
    ],
)
def test_misuse_is_one_message(run: Callable[..., Result], options: tuple[str, ...], says: str) -> None:
    result = run(*COMMON, *options)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.stderr
