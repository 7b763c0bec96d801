"""The command line: answers, exit codes, messages; as a new user meets it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import jsonschema
import pytest
from click.testing import CliRunner, Result

import apportion as ap
from apportion import bench, metadata
from apportion.cli import main

GOOD = """\
[types.disk]
dimensions.gb = { unit = "GB", step = 0.001 }
policy = "closest_capacity"

[[instances]]
id = "d1"
type = "disk"
location = "zone-a"
capacity = { gb = 100 }

[[instances]]
id = "d2"
type = "disk"
location = "zone-b"
capacity = { gb = 80 }
"""
THREE_MISTAKES = """\
[types.disk]
dimensions.gb = { unit = "GB", step = 0 }
polcy = "first"

[[instances]]
id = "d1"
type = "disc"
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command in a folder with good.toml and bad.toml."""
    monkeypatch.chdir(tmp_path)
    Path("good.toml").write_text(GOOD)
    Path("bad.toml").write_text(THREE_MISTAKES)
    return lambda *arguments, **options: CliRunner().invoke(main, [str(a) for a in arguments], **options)


def _commands(group: click.Group, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [above]
    for name, command in group.commands.items():
        found += _commands(command, (*above, name)) if isinstance(command, click.Group) else [(*above, name)]
    return found


# --- help


@pytest.mark.parametrize("command", _commands(main), ids=" ".join)
def test_help_has_examples(run: Callable[..., Result], command: tuple[str, ...]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    lines = [line.strip() for line in result.output.splitlines()]
    examples = lines[lines.index("Examples:") + 1 :]
    assert examples, "each on a line of its own"
    assert all(" ".join(("apportion", *command)) in line for line in examples)
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("command", _commands(main), ids=" ".join)
def test_the_reference_names_every_option(command: tuple[str, ...]) -> None:
    text = (Path(__file__).parents[2] / "docs/reference/command-line.md").read_text(encoding="utf-8")
    found: click.Command = main
    for name in command:
        assert isinstance(found, click.Group)
        found = found.commands[name]
    assert f"apportion {' '.join(command)}".strip() in text
    missing = [option for parameter in found.params for option in parameter.opts if option not in text]
    assert not missing, f"docs/reference/command-line.md lacks {missing}"


def test_version(run: Callable[..., Result]) -> None:
    assert run("--version").output == f"apportion {ap.__version__}\n"


# --- check


def test_check_reports_every_problem_with_its_line(run: Callable[..., Result]) -> None:
    result = run("check", "bad.toml")
    assert result.exit_code == 1
    for part in ("line 2", "line 3", "line 7", "polcy", "did you mean", '3 | polcy = "first"', "bad.toml: 3 problems"):
        assert part in result.output


def test_check_of_a_good_document_is_one_line(run: Callable[..., Result]) -> None:
    result = run("check", "good.toml")
    assert (result.exit_code, result.output) == (0, "good.toml: no problems\n")


def test_check_shows_more_than_a_screen(run: Callable[..., Result], tmp_path: Path) -> None:
    text = "[types.disk]\ndimensions.gb = {}\n" + "".join(f"wrong{n} = 1\n" for n in range(45))
    (tmp_path / "many.toml").write_text(text)
    assert "many.toml: 45 problems" in run("check", "many.toml").output
    assert "line 47" in run("check", "many.toml").output


def test_check_as_json(run: Callable[..., Result]) -> None:
    result = run("check", "--json", "good.toml", "bad.toml")
    assert result.exit_code == 1
    good, bad = json.loads(result.output)["documents"]
    assert good == {"document": "good.toml", "ok": True, "problems": []}
    assert [problem["line"] for problem in bad["problems"]] == [2, 3, 7]
    assert set(bad["problems"][0]) == {"place", "message", "line", "column"}


def test_check_reads_standard_input(run: Callable[..., Result]) -> None:
    assert run("check", "-", input=GOOD).output == "stdin: no problems\n"
    result = run("check", "-", input="[types.disk]\npolcy = 1\n")
    assert result.exit_code == 1
    assert "stdin: line 2" in result.output
    assert "polcy = 1" in result.output


def test_check_together(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "more.toml").write_text('[[instances]]\nid = "d3"\ntype = "disk"\ncapacity = { gb = 1 }\n')
    assert run("check", "good.toml", "more.toml").exit_code == 1
    assert run("check", "--together", "good.toml", "more.toml").exit_code == 0


# --- explain


def test_explain_a_grant(run: Callable[..., Result]) -> None:
    result = run("explain", "good.toml", "--amount", "gb=10", "--consumer", "ada")
    assert result.exit_code == 0
    assert result.output.startswith("ada: would be granted; 2 candidates.")
    assert result.output.index("d2") < result.output.index("d1"), "the ranking: d2 fits more tightly"


def test_explain_a_denial(run: Callable[..., Result]) -> None:
    result = run("explain", "good.toml", "--type", "disk", "--amount", "gb=90", "--where", 'self.location == "zone-b"')
    assert result.exit_code == 1
    assert result.output.startswith("Denied, never: ")
    assert "where" in result.output


@pytest.mark.parametrize(("gb", "granted", "code"), [("80.001", True, 0), ("100.001", False, 1)])
def test_explain_as_json(run: Callable[..., Result], gb: str, granted: bool, code: int) -> None:
    result = run("explain", "good.toml", "--amount", f"gb={gb}", "--policy", "balance", "--count", "1", "--json")
    assert result.exit_code == code
    answer = json.loads(result.output)
    assert answer["granted"] is granted
    assert (answer["denial"] is None) is granted


def test_explain_reads_standard_input(run: Callable[..., Result]) -> None:
    assert run("explain", "-", "--amount", "gb=100", "--limit", "1", input=GOOD).exit_code == 0


# --- misuse


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("explain", "good.toml", "--type", "disc", "--amount", "gb=1"), "there is no type 'disc'"),
        (("explain", "good.toml", "--amount", "tb=1"), "has no dimension 'tb'"),
        (("explain", "good.toml", "--amount", "gb=-1"), "apportion: "),
        (("explain", "good.toml", "--amount", "gb"), "'gb' is not DIMENSION=NUMBER, such as gb=10"),
        (("explain", "good.toml", "--amount", "gb=1", "--where", "self.colour =="), "apportion: "),
        (("explain", "bad.toml", "--amount", "gb=1"), "bad.toml: line 2"),
        (("explain", "none.toml", "--amount", "gb=1"), "apportion: none.toml: No such file or directory"),
        (("check", "none.toml"), "apportion: none.toml: No such file or directory"),
        (("check",), "Missing argument"),
        (("simulate", "azure-packing", "--data", "nowhere"), "--data or $APPORTION_DATA"),
        (("simulate", "azure-packing", "--synthetic", "5", "--policy", "nearest"), "there is no policy 'nearest'"),
        (("simulate", "azure-packing", "--server-cores", "0", "--synthetic", "5"), "a server has from 0.001"),
        (("demo", "--out", "no/such/folder/demo.html"), "no/such/folder"),
        (("unknown",), "No such command"),
    ],
)
def test_misuse_is_one_message_and_exit_code_2(
    run: Callable[..., Result], arguments: tuple[str, ...], message: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_debug_shows_the_error(run: Callable[..., Result]) -> None:
    arguments = ("explain", "good.toml", "--type", "disc")
    result = run(*arguments, env={"APPORTION_DEBUG": "1"})
    assert isinstance(result.exception, ap.UnknownName)


def test_a_type_must_be_named_when_there_are_several(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "two.toml").write_text("[types.a]\ndimensions.x = {}\n[types.b]\ndimensions.x = {}\n")
    result = run("explain", "two.toml", "--amount", "x=1")
    assert result.exit_code == 2
    assert "name the type with --type: there are a, b" in result.stderr


# --- bench, schema


def test_bench_prints_what_it_measured(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, dict[str, object]]] = []

    def measure(suite: str, **options: object) -> list[bench.Row]:
        asked.append((suite, options))
        return [bench.Row("fork_us", 2.0, "us", 1.0, 2.0, "a copy", "7 claims")]

    monkeypatch.setattr(bench, "measure", measure)
    report = json.loads(run("bench", "allocator", "--rows", "fork", "--instances", 200, "--json").output)
    assert report["rows"][0]["ratio"] == 2.0
    assert (asked[0][0], asked[0][1]["rows"], asked[0][1]["instances"]) == ("allocator", "fork", 200)
    assert "7 claims" in run("bench", "state", "--seconds", 2).output
    assert (asked[1][0], asked[1][1]["seconds"]) == ("state", 2.0)


def test_bench_refuses_rows_that_are_not_there(run: Callable[..., Result]) -> None:
    result = run("bench", "state", "--rows", "snapshots")
    assert result.exit_code == 2
    assert "there are snapshot, restore, load_document" in result.stderr


def test_schema_fits_the_documents(run: Callable[..., Result]) -> None:
    schema = json.loads(run("schema").output)
    assert schema == metadata.schema()
    jsonschema.validate({"types": {"disk": {"dimensions": {"gb": {}}}}}, schema)


# --- as a process


def _process(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "apportion", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_output_is_plain_when_not_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(THREE_MISTAKES)
    done = _process("check", str(tmp_path / "bad.toml"))
    assert done.returncode == 1
    assert "\x1b" not in done.stdout + done.stderr
    done = _process("simulate", "azure-packing", "--synthetic", "10")
    assert done.returncode == 0
    assert (done.stdout + done.stderr).isascii(), "no frames, no bars"


def test_debug_shows_a_traceback(tmp_path: Path) -> None:
    assert "Traceback" not in _process("check", str(tmp_path / "none.toml")).stderr
    assert "Traceback" in _process("check", str(tmp_path / "none.toml"), APPORTION_DEBUG="1").stderr


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from apportion.cli import main; main(['--help'], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"rich", "tqdm", "altair", "apportion.simulate", "apportion.demo"} & set(done.stdout.split())


def test_check_of_a_policy_that_no_type_uses(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "policies.toml").write_text('[policies.mine]\nscore = "nope(used.gb)"\n')
    result = run("check", "policies.toml")
    assert result.exit_code == 1
    assert "policies.toml: line 2, column 1: policies.mine.score: " in result.output
    assert "found the unknown function 'nope()'" in result.output


def test_check_of_documents_that_cannot_be_read_goes_on(run: Callable[..., Result]) -> None:
    result = run("check", "good.toml", "/nope.toml", "bad.toml")
    assert result.exit_code == 2
    assert "good.toml: no problems" in result.stdout and "bad.toml: 3 problems" in result.stdout
    assert result.stderr == "apportion: /nope.toml: No such file or directory\n"
    found = json.loads(run("check", "--json", "good.toml", "/nope.toml").stdout)["documents"]
    assert [each["ok"] for each in found] == [True, False]
    assert found[1]["problems"][0]["message"] == "No such file or directory"


@pytest.mark.parametrize("text", ["", "\n  \n"])
def test_check_of_nothing_is_a_problem(run: Callable[..., Result], text: str) -> None:
    result = run("check", "-", input=text)
    assert (result.exit_code, result.output) == (1, "stdin: the document is empty\nstdin: 1 problem\n")


def test_an_amount_stands_once(run: Callable[..., Result]) -> None:
    result = run("explain", "good.toml", "--amount", "gb=1", "--amount", "gb=2")
    assert result.exit_code == 2
    assert "'gb' is given twice, as 1 and as 2" in result.stderr
