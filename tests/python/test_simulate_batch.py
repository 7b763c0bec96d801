"""Many calls: each once, whatever was interrupted, and the same on one core and on several."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

import apportion as ap
from apportion.simulate.batch import kept, run_all

CALLS: list[int] = []


def _square(number: int) -> int:
    CALLS.append(number)
    if number < 0:
        raise ValueError(number)
    return number * number


TASKS = {f"square {n}": (n,) for n in range(5)}


def test_results_stand_in_the_order_of_the_tasks() -> None:
    assert list(run_all(_square, TASKS).items()) == [(f"square {n}", n * n) for n in range(5)]


def test_several_processes_give_the_same(tmp_path: Path) -> None:
    pytest.importorskip("joblib", reason="the extra [sweep] is not installed")
    told: list[int] = []
    # A function that every process can import.
    tasks = {f"{n}": (n, 2) for n in range(6)}
    found = run_all(pow, tasks, jobs=2, keep=tmp_path / "runs", progress=told.append)
    assert found == {f"{n}": n * n for n in range(6)}
    assert told == [1] * 6
    assert kept(tmp_path / "runs") == found


def test_finished_calls_are_not_made_again(tmp_path: Path) -> None:
    file = tmp_path / "runs"
    with pytest.raises(ValueError):
        run_all(_square, {"one": (1,), "bad": (-1,), "two": (2,)}, keep=file)
    assert kept(file) == {"one": 1}
    CALLS.clear()
    told: list[int] = []
    assert run_all(_square, {"one": (1,), "two": (2,)}, keep=file, progress=told.append) == {"one": 1, "two": 4}
    assert CALLS == [2]
    assert told == [1, 1]
    assert run_all(_square, {"two": (2,)}, keep=file) == {"two": 4}
    assert CALLS == [2]


def test_a_line_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    file = tmp_path / "runs"
    run_all(_square, TASKS, keep=file)
    file.write_bytes(file.read_bytes()[:-7])
    CALLS.clear()
    assert run_all(_square, TASKS, keep=file)["square 4"] == 16
    assert CALLS == [4]
    assert [json.loads(line)["result"] for line in file.read_text().splitlines()] == [0, 1, 4, 9, 16]


@pytest.mark.parametrize("text", ["hello\n", '{"a": 1}\n', "[1]\n", '{"run": "a", "result": 1}\nx\n', "no line end"])
def test_files_of_something_else_are_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "runs"
    file.write_text(text)
    with pytest.raises(ap.RequestError, match=r"runs, line \d: no finished run"):
        run_all(_square, TASKS, keep=file)
    assert file.read_text() == text


def test_misuse() -> None:
    with pytest.raises(ap.RequestError, match="-1 processes"):
        run_all(_square, TASKS, jobs=-1)


def test_without_joblib_several_processes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module("builtins").__import__

    def gone(name: str, *rest: Any, **more: Any) -> Any:
        if name == "joblib":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr("builtins.__import__", gone)
    with pytest.raises(ap.MissingExtra, match=r"--jobs 1 .* pip install 'apportion\[sweep\]'"):
        run_all(_square, TASKS, jobs=2)
    assert run_all(_square, {"one": (1,)}, jobs=2) == {"one": 1}, "one call needs one process"
