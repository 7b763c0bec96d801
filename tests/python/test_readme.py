"""The README is true: its quick start and its commands run as they stand, its links lead somewhere.

A ``python`` block is executed, a ``bash`` block is run as a script; blocks of one kind follow each other in one
namespace and one empty folder. A ``console`` block is not run: it names this very test run, or what needs a network.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")
LONGEST_QUICK_START = 20


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_quick_start_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = _blocks("python")
    assert blocks, "README.md has no python block: the quick start is missing"
    lines = [line for line in blocks[0].splitlines() if line.strip() and "import apportion" not in line]
    assert len(lines) <= LONGEST_QUICK_START, f"the quick start has {len(lines)} lines"
    namespace: dict[str, object] = {}
    for number, block in enumerate(blocks, 1):
        exec(compile(block, f"README.md, python block {number}", "exec"), namespace)


def test_commands_run(tmp_path: Path) -> None:
    blocks = _blocks("bash")
    assert any(re.search(r"^apportion ", block, re.MULTILINE) for block in blocks), "README.md runs no command"
    environment = dict(os.environ)
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment.setdefault("APPORTION_DATA", str(ROOT.parent / "shared" / "data"))
    for block in blocks:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"exit {done.returncode} of\n{block}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def test_the_two_commands_are_there() -> None:
    console = "\n".join(_blocks("console"))
    assert "$ make demo" in console
    assert "$ make test" in console


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_make_targets_exist(document: str) -> None:
    named = set(re.findall(r"(?:`|\$ )make ([a-z-]+)", (ROOT / document).read_text(encoding="utf-8")))
    assert named, f"{document} names no make target"
    assert named <= _targets(), f"{document} names what the Makefile lacks: {sorted(named - _targets())}"


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_somewhere(document: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / document).read_text(encoding="utf-8"))
    missing = [link for link in links if not (ROOT / link).exists()]
    assert not missing, f"{document} links to what is not there: {missing}"
