"""Every notebook runs from top to bottom, and is kept with its outputs so that it reads without a kernel."""

from pathlib import Path

import nbclient
import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


def _read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def _code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_opens_with_its_question_and_keeps_its_outputs(path: Path) -> None:
    notebook = _read(path)
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    assert "?" in first.source, "a notebook opens with its question"
    assert notebook.cells[-1].cell_type == "markdown", "a notebook ends with its answer"
    assert any(cell.outputs for cell in _code_cells(notebook)), "commit the notebook with its outputs"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
# The kernel's client opens sockets and event loops whose warnings are not ours.
@pytest.mark.filterwarnings("default")
def test_runs(path: Path, tmp_path: Path) -> None:
    notebook = _read(path)
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
