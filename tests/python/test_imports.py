"""`import apportion` is light: NumPy and msgspec alone, and nothing of the command line or the extras."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _imported(statement: str) -> set[str]:
    """Top-level names that `statement` brings into a fresh interpreter, without the standard library."""
    code = (
        "import sys; before = set(sys.modules)\n"
        f"{statement}\n"
        "print(*sorted({n.partition('.')[0] for n in set(sys.modules) - before} - sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_needs_numpy_and_msgspec_alone() -> None:
    # What those two look for by themselves, when it happens to be there, is not ours.
    theirs = _imported("import msgspec, numpy")
    ours = {name for name in _imported("import apportion") - theirs if not name.startswith("_")}
    assert ours == {"apportion"}, f"import apportion brings {sorted(ours)}"


@pytest.mark.parametrize("extra", ["server", "postgres", "sweep", "view"])
def test_the_command_line_starts_without_the_extras(extra: str) -> None:
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    packages = {entry.split(">=")[0].split("[")[0].replace("-", "_") for entry in tables[extra]}
    packages |= {"vl_convert"} if extra == "view" else set()
    assert not _imported("import apportion.cli") & packages
