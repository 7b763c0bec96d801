"""The command line: simulations of virtual machines."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from apportion import simulate
from apportion.cli import main


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments, **options: CliRunner().invoke(main, [str(a) for a in arguments], **options)


def test_simulate_prints_a_row_per_policy(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[policies.mine]\nscore = "free.cores"\n')
    common = ("simulate", "azure-packing", "--synthetic", 80, "--servers", 3)
    result = run(*common, "--policies", "mine.toml", "--policy", "mine,first")
    assert result.exit_code == 0, result.output
    assert "80 machines" in result.output
    rows = [line.split()[0] for line in result.output.splitlines() if line.strip()]
    assert rows[-3:] == ["policy", "mine", "first"]
    only_mine = json.loads(run(*common, "--policies", "mine.toml", "--json").output)
    assert [row["policy"] for row in only_mine["policies"]] == ["mine"]


def test_simulate_reads_a_folder(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "azure").mkdir()
    simulate.write(simulate.synthetic(30, 1), tmp_path / "azure" / "packing_1pct_batched_0.csv.gz")
    options = ("--servers", 4, "--server-cores", 48, "--server-ram-gb", 512.5, "--policy", "all", "--json")
    report = json.loads(run("simulate", "azure-packing", "--data", ".", *options).output)
    assert report["fleet"] == {"servers": 4, "cores": 48.0, "ram_gb": 512.5}
    assert len(report["policies"]) == 7
    assert {row["placed"] + row["denied"] for row in report["policies"]} == {30}


FLEETS = [
    ("--server-cores nan", "a server has from 0.001 to 1,000,000,000 of cores"),
    ("--server-cores 0.0001", "a server has from 0.001"),
    ("--server-ram-gb inf", "a server has from 0.001 to 1,000,000,000 of memory"),
    ("--servers 100000000000", "a fleet has 1 to 1,000,000 servers"),
    ("--servers 0", "a fleet has 1 to 1,000,000 servers"),
    ("--policy ,", "--policy ',' names no policy"),
    ("--policy all,first", "all stands alone"),
    ("--data .", "--synthetic makes a trace up, --data reads one"),
]


@pytest.mark.parametrize(("options", "says"), FLEETS)
def test_simulations_that_make_no_sense(run: Callable[..., Result], options: str, says: str) -> None:
    result = run("simulate", "azure-packing", "--synthetic", "50", *options.split(" "))
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_a_policy_that_does_not_fit_is_named_with_its_file(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[policies.mine]\nscore = "used.tb"\n')
    result = run("simulate", "azure-packing", "--synthetic", "50", "--policies", "mine.toml")
    assert result.exit_code == 2
    assert "mine.toml: line 2, column 1: policies.mine.score: line 1, column 1: found the unknown name 'used.tb'" in (
        result.stderr
    )
