"""The guides are true: the ``python`` blocks of a page run from top to bottom in one namespace, in an empty folder.

The ``toml`` blocks of a page are parts of one document: they are applied to one pool, in order. Blocks marked
``console`` are not run.
"""

import re
from pathlib import Path

import pytest

import apportion as ap

DOCS = Path(__file__).resolve().parents[2] / "docs"
REFERENCE = [DOCS / "reference" / name for name in ("allocation.md", "vocabulary.md")]
GUIDES = [*sorted((DOCS / "guide").glob("*.md")), *REFERENCE]


def _blocks(page: Path, language: str) -> list[tuple[int, str]]:
    """Blocks with the number of their first line."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, match.start(1)) + 1, match[1]) for match in found]


def test_there_are_guides() -> None:
    assert GUIDES
    assert any(_blocks(page, "python") for page in GUIDES)


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_python_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": page.stem}
    for line, block in _blocks(page, "python"):
        # Newlines in front, so that a traceback names the line of the page.
        exec(compile("\n" * (line - 1) + block, str(page), "exec"), namespace)


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_documents_are_accepted(page: Path) -> None:
    pool = ap.Pool()
    for _, block in _blocks(page, "toml"):
        pool.apply(block.encode())
