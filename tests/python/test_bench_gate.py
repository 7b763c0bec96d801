"""The gate's verdicts and its record, on a program and a valgrind that are made up here."""

import importlib.util
import json
import stat
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
Script = Callable[[str, str], Path]


@pytest.fixture(scope="module")
def gate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_gate", ROOT / "tools/bench_gate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Writes programs into a folder that PATH starts with."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    def write(name: str, body: str) -> Path:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return write


@pytest.fixture
def program(script: Script) -> Path:
    """A gate of two workloads, built by a made-up compiler, under a valgrind that counts 1,000 in each."""
    script("valgrind", "echo '==1== Collected : 1000' >&2")
    return script("gate", "echo hot\necho cold\n# GCC: (Debian 12.2.0-14) 12.2.0")


def _record(path: Path, hot: int, cold: int, compiler: str = "GCC: (Debian 12.2.0-14) 12.2.0") -> Path:
    record = path / "gate.json"
    record.write_text(json.dumps({"compiler": compiler, "reason": "first", "instructions": {"hot": hot, "cold": cold}}))
    return record


@pytest.mark.parametrize(
    ("hot", "cold", "code", "told"),
    [
        (1000, 1000, 0, "hot: 1,000 instructions, +0.0 %: fine"),
        (971, 1000, 0, "+3.0 %: fine"),  # 1000 / 971 = 1.0299
        (970, 1000, 1, "+3.1 %: MORE THAN +3 %"),  # 1000 / 970 = 1.0309
        (1100, 1000, 0, "-9.1 %: better, record it"),
    ],
)
def test_three_per_cent(
    gate: ModuleType,
    program: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    hot: int,
    cold: int,
    code: int,
    told: str,
) -> None:
    assert gate.main([str(program), str(_record(tmp_path, hot, cold))]) == code
    assert told in capsys.readouterr().out


def test_an_update_keeps_its_reason(gate: ModuleType, program: Path, tmp_path: Path) -> None:
    record = _record(tmp_path, 1, 1)
    assert gate.main([str(program), str(record), "--update", "an index"]) == 0
    assert json.loads(record.read_text()) == {
        "compiler": "GCC: (Debian 12.2.0-14) 12.2.0",
        "reason": "an index",
        "instructions": {"hot": 1000, "cold": 1000},
    }
    assert gate.main([str(program), str(record)]) == 0


def test_an_update_needs_a_reason(gate: ModuleType, program: Path, tmp_path: Path) -> None:
    record = _record(tmp_path, 1, 1)
    before = record.read_text()
    assert gate.main([str(program), str(record), "--update", " "]) == 2
    assert record.read_text() == before


def test_another_compiler_is_not_compared(gate: ModuleType, program: Path, tmp_path: Path) -> None:
    assert gate.main([str(program), str(_record(tmp_path, 1000, 1000, "GCC: (x) 13.1.0"))]) == 3


def test_a_workload_must_be_in_both(gate: ModuleType) -> None:
    lines, fine = gate.compare({"a": 1}, {"b": 1})
    assert not fine
    assert lines == ["a: only in the record", "b: only in the program"]


@pytest.mark.parametrize("valgrind", ["exit 1", "echo '==1== Collected : 0' >&2"])
def test_a_count_that_failed_is_no_count(
    gate: ModuleType, program: Path, script: Script, tmp_path: Path, valgrind: str
) -> None:
    script("valgrind", valgrind)
    assert gate.main([str(program), str(_record(tmp_path, 1000, 1000))]) == 2


def test_without_valgrind(
    gate: ModuleType, program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert gate.main([str(program), str(_record(tmp_path, 1, 1))]) == 2
    assert "apt install valgrind" in capsys.readouterr().err


def test_the_committed_record_names_its_reason() -> None:
    record = json.loads((ROOT / "tests/bench/gate.json").read_text(encoding="utf-8"))
    assert set(record) == {"compiler", "reason", "instructions"}
    assert record["reason"] and record["compiler"] != "unknown"
    assert all(isinstance(number, int) and number > 0 for number in record["instructions"].values())
    program = (ROOT / "tests/bench/gate.cpp").read_text(encoding="utf-8")
    assert all(f'{{"{name}"' in program for name in record["instructions"])
