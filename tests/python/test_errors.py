import pytest

from apportion import _errors
from apportion._errors import (
    ApportionError,
    DocumentError,
    MissingExtra,
    Problem,
    RequestError,
    UnknownName,
    render_problems,
)


def test_the_tree_is_the_one_that_is_drawn() -> None:
    drawn = {line.split("── ")[1].split()[0] for line in (_errors.__doc__ or "").splitlines() if "── " in line}
    classes = {name for name in _errors.__all__ if name not in ("ApportionError", "Problem")}
    assert drawn == classes
    for name in classes:
        assert issubclass(getattr(_errors, name), ApportionError)


def test_errors_are_caught_as_what_python_calls_them() -> None:
    assert issubclass(RequestError, ValueError)
    assert issubclass(UnknownName, LookupError)
    with pytest.raises(ImportError, match=r"pip install 'apportion\[view\]'"):
        raise MissingExtra("view", "charts")


def test_problems_are_counted_beyond_twenty() -> None:
    text = render_problems([Problem(f"p{i}", "is wrong") for i in range(25)], name="a.toml")
    assert text.splitlines()[19] == "a.toml: p19: is wrong"
    assert text.splitlines()[20:] == ["and 5 more"]


@pytest.mark.parametrize("column", [1, 50, 500, 990])
def test_the_mark_stands_below_the_column(column: int) -> None:
    line = "".join(chr(ord("a") + i % 26) for i in range(1000))
    shown = render_problems([Problem("p", "m", 1, column)], text=line).splitlines()
    assert shown[2][shown[2].index("^") :] == "^"
    assert shown[1][shown[2].index("^")] == line[column - 1]
    assert len(shown[1]) < 130


def test_lines_that_are_not_there_are_left_out() -> None:
    assert render_problems([Problem("p", "m", 9, 1)], text="one") == "document: line 9, column 1: p: m"
    assert "\x1b" not in render_problems([Problem("p", "m", 1, 1)], text="\x1b[31mred")


def test_document_error_keeps_its_problems() -> None:
    error = DocumentError(iter([Problem("a", "b")]), name="x.toml")
    assert error.problems == (Problem("a", "b"),)
    assert str(error) == "x.toml: a: b"
