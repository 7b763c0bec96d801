"""The house of docs/design.md: which room may use which, and how long files and functions may be."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# "May use" of the design, one step each; what those may use may be used too.
AREAS: dict[str, set[str]] = {
    "base": set(),
    "journal": {"base"},
    "expr": {"base"},
    "catalog": {"expr", "journal"},
    "inventory": {"catalog"},
    "ledger": {"inventory"},
    "allocator": {"ledger"},
    "bench": {"allocator"},
    "feedback": {"base"},
    "rebalancer": {"allocator"},
    "routing": {"journal"},
    "servicemap": {"journal", "expr"},
}
# Python rooms from the bottom up: a module may import those of its own row and of rows above it in this list.
# A module is named by its first part below `apportion`; what is not named stands in the row of the surface.
SURFACE = 1
ROWS: list[set[str]] = [
    {"_core"},
    set(),  # the surface: everything that `import apportion` brings, and its private helpers
    {"store", "view"},
    {"proxy", "simulate", "server"},
    {"cli", "demo", "bench"},
]

LONGEST_FILE = 500
LONGEST_FUNCTION = 80
# Registration tables and the bytecode switch may be longer: "path:first line of the function".
LONG_FUNCTIONS: set[str] = set()
# Sources whose tests have another name, and why.
TESTED_ELSEWHERE: dict[str, str] = {
    "cpp/src/base/crew.cpp": "tests/cpp/threads/crew_test.cpp",
    "python/apportion/__init__.py": "tests/python/test_exported_members.py",
    "python/apportion/__main__.py": "tests/python/test_cli.py",
}
NO_FUNCTION = re.compile(r"\s*(namespace|class|struct|union|enum|extern|template <.*> (class|struct))\b")
RAW_STRING = re.compile(r'R"(\w*)\(.*?\)\1"', re.DOTALL)
NOT_FINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")


def _files(*patterns: str) -> list[Path]:
    return sorted(path for pattern in patterns for path in ROOT.glob(pattern))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


CORE = _files("cpp/include/apportion/**/*.hpp", "cpp/src/**/*.[ch]pp")
BINDINGS = _files("cpp/bindings/**/*.[ch]pp")
CXX_TESTS = _files("tests/**/*.[ch]pp")
PACKAGE = _files("python/apportion/**/*.py")
SCRIPTS = _files("tests/**/*.py", "*.py", "docs/conf.py")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def _closure(area: str) -> set[str]:
    """The area and everything it may use."""
    return {area}.union(*(_closure(lower) for lower in AREAS[area]))


def _area(path: Path) -> str:
    parts = path.relative_to(ROOT / "cpp").parts
    return parts[2] if parts[0] == "include" else parts[1]


def _included_area(header: str) -> str | None:
    match = re.match(r"(?:apportion/)?([a-z]+)/", header)
    return match[1] if match and (header.startswith("apportion/") or match[1] in AREAS) else None


# --- C++ rooms ------------------------------------------------------------------------------------------------


def test_the_table_has_no_cycle() -> None:
    for area in AREAS:
        assert not any(area in _closure(lower) for lower in AREAS[area]), area


@pytest.mark.parametrize("path", CORE, ids=_name)
def test_an_area_uses_only_what_it_may(path: Path) -> None:
    area = _area(path)
    assert area in AREAS, f"{_name(path)}: the design has no area {area}"
    allowed = _closure(area)
    for bracket, header in INCLUDE.findall(path.read_text(encoding="utf-8")):
        used = _included_area(header)
        assert used is None or used in allowed, f"{_name(path)}: {area} may not use {used} ({header})"
        if bracket == '"':
            places = [ROOT / "cpp/include" / header, ROOT / "cpp/src" / header, path.parent / header]
            assert ".." not in header and any(place.is_file() for place in places), f"{_name(path)}: {header}"


@pytest.mark.parametrize("path", CORE, ids=_name)
def test_the_core_is_free_of_python(path: Path) -> None:
    foreign = [h for _, h in INCLUDE.findall(path.read_text(encoding="utf-8")) if re.match(r"pybind11|Python\.h", h)]
    assert not foreign, f"{_name(path)} includes {foreign}; only cpp/bindings sees Python"


def test_contract_and_code_have_their_places() -> None:
    assert not _files("cpp/include/**/*.cpp"), "the contract holds no .cpp"
    for header in _files("cpp/**/*.hpp"):
        assert "#pragma once" in header.read_text(encoding="utf-8"), _name(header)
    for path in BINDINGS:
        assert re.fullmatch(r"(module|bind_[a-z_]+|[a-z_]+)\.(cpp|hpp)", path.name), _name(path)


# --- Python rooms ---------------------------------------------------------------------------------------------


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT / "python").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _run_time(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below `node` without what only type checkers read: an answer may name the pool it came from."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING")):
            yield child
            yield from _run_time(child)


def _imports(path: Path) -> set[str]:
    """The modules of the package that `path` imports when it runs, anywhere in it."""
    package = _module(path) if path.name == "__init__.py" else _module(path).rpartition(".")[0]
    found: set[str] = set()
    for node in _run_time(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return {name for name in found if name.startswith("apportion.")}


def _row(module: str) -> int:
    first = module.split(".")[1] if "." in module else ""
    return next((row for row, names in enumerate(ROWS) if first in names), SURFACE)


@pytest.mark.parametrize("path", PACKAGE, ids=_name)
def test_a_module_imports_only_what_it_may(path: Path) -> None:
    if path.name == "__main__.py":
        return
    module = _module(path)
    upward = {name for name in _imports(path) if _row(name) > _row(module)}
    assert not upward, f"{module} may not import {sorted(upward)}"


def test_modules_have_no_cycle() -> None:
    known = {_module(path): path for path in PACKAGE}
    graph = {name: {m for m in _imports(path) if m in known and m != name} for name, path in known.items()}
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join([*above[above.index(name) :], name])
        if name not in done:
            for lower in sorted(graph[name]):
                visit(lower, (*above, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())


# --- sizes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*CORE, *BINDINGS, *CXX_TESTS, *PACKAGE, *SCRIPTS], ids=_name)
def test_files_are_short_and_finished(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= LONGEST_FILE, f"{_name(path)} has {len(lines)} lines: split it by concept"
    if path != Path(__file__).resolve():
        unfinished = [number for number, line in enumerate(lines, 1) if NOT_FINISHED.search(line)]
        assert not unfinished, f"{_name(path)}: unfinished lines {unfinished}"


def _cxx_functions(lines: list[str]) -> list[tuple[str, int]]:
    """First line and length of every block that closes at the indentation of a free or member function."""
    found = []
    for indent in ("", "  "):
        opening = re.compile(rf"{indent}[^\s#/}}].*\{{$")
        start = None
        for number, line in enumerate(lines):
            if start is None and opening.match(line):
                start = number
            elif start is not None and line.startswith(indent + "}"):
                if not NO_FUNCTION.match(lines[start]):
                    found.append((lines[start].strip(), number - start + 1))
                start = None
    return found


def _python_functions(text: str) -> list[tuple[str, int]]:
    return [
        (f"def {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def _functions(path: Path) -> list[tuple[str, int]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return _python_functions(text)
    without_documents = RAW_STRING.sub(lambda match: "\n" * match[0].count("\n"), text)
    return _cxx_functions(without_documents.splitlines())


@pytest.mark.parametrize("path", [*CORE, *BINDINGS, *CXX_TESTS, *PACKAGE, *SCRIPTS], ids=_name)
def test_functions_are_short(path: Path) -> None:
    for first, length in _functions(path):
        if f"{_name(path)}:{first}" not in LONG_FUNCTIONS:
            assert length <= LONGEST_FUNCTION, f"{_name(path)}: {first} has {length} lines"


def test_function_lengths_are_seen() -> None:
    lines = ["int f() {", *["  g();"] * 98, "}", "class A {", "  void m() {", *["    g();"] * 3, "  }", "};"]
    assert _cxx_functions(lines) == [("int f() {", 100), ("void m() {", 5)]


# --- every source has its test ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", _files("cpp/src/*/*.cpp"), ids=_name)
def test_every_cpp_has_its_test(path: Path) -> None:
    test = ROOT / TESTED_ELSEWHERE.get(_name(path), f"tests/cpp/{path.parent.name}/{path.stem}_test.cpp")
    assert test.is_file(), f"{_name(path)} has no {_name(test)}"


@pytest.mark.parametrize("path", PACKAGE, ids=_name)
def test_every_module_has_its_test(path: Path) -> None:
    parts = [part.strip("_") for part in path.relative_to(ROOT / "python/apportion").with_suffix("").parts]
    if parts[-1] == "init" and len(parts) > 1:
        parts.pop()
    test = ROOT / TESTED_ELSEWHERE.get(_name(path), f"tests/python/test_{'_'.join(parts)}.py")
    assert test.is_file(), f"{_name(path)} has no {_name(test)}"


def test_exceptions_are_still_needed() -> None:
    stale = [source for source in TESTED_ELSEWHERE if not (ROOT / source).is_file() and "__main__" not in source]
    assert not stale, f"TESTED_ELSEWHERE names what is gone: {stale}"
    assert all((ROOT / test).is_file() for source, test in TESTED_ELSEWHERE.items() if (ROOT / source).is_file())
