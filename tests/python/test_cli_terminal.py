"""What people see: tables and messages that are plain where nobody looks at a terminal."""

import click
import pytest
from click.testing import CliRunner

from apportion import RequestError
from apportion.cli import _terminal as terminal


def test_tables_are_aligned_and_plain(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.say_table(("name", "count"), [("a", "10"), ("long", "7")])
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "name  count",
        "a        10",
        "long      7",
    ]


def test_json_keeps_letters(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.say_json({"name": "zoë"})
    assert capsys.readouterr().out == '{\n  "name": "zoë"\n}\n'


def test_a_bar_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.bar(3, "runs") as advance:
        advance(3)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


@pytest.mark.parametrize("debug", ["0", "1"])
def test_an_error_of_people_is_a_message_unless_debugging(debug: str) -> None:
    @click.group(cls=terminal.Group)
    def group() -> None:
        pass

    @group.command()
    def wrong() -> None:
        raise RequestError("not that")

    result = CliRunner().invoke(group, ["wrong"], env={"APPORTION_DEBUG": debug})
    assert isinstance(result.exception, RequestError) == (debug == "1")
    assert (result.exit_code, result.stderr) == ((1, "") if debug == "1" else (2, "apportion: not that\n"))
