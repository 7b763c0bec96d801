"""What the package exports is sorted, there, documented, and everything else is private."""

import importlib
import inspect
import pkgutil
import types

import pytest

import apportion


def _public_modules() -> list[str]:
    found = pkgutil.walk_packages(apportion.__path__, "apportion.")
    return ["apportion", *(m.name for m in found if not any(p.startswith("_") for p in m.name.split(".")))]


def _exported() -> list[tuple[str, object]]:
    return [(name, getattr(apportion, name)) for name in apportion.__all__ if not name.startswith("_")]


@pytest.mark.parametrize("name", _public_modules())
def test_all_is_sorted_and_true(name: str) -> None:
    module = importlib.import_module(name)
    exported = getattr(module, "__all__", None)
    assert exported is not None, f"{name} has no __all__"
    assert list(exported) == sorted(exported), f"{name}.__all__ is not sorted"
    assert len(set(exported)) == len(exported)
    missing = [entry for entry in exported if not hasattr(module, entry)]
    assert not missing, f"{name}.__all__ names what is not there: {missing}"
    assert inspect.getdoc(module), f"{name} has no docstring"


def test_everything_public_is_exported() -> None:
    public = {
        name
        for name, value in vars(apportion).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert public <= set(apportion.__all__), sorted(public - set(apportion.__all__))


@pytest.mark.parametrize("name", [name for name, _ in _exported()])
def test_exports_are_documented(name: str) -> None:
    value = getattr(apportion, name)
    if not (inspect.isclass(value) or inspect.isroutine(value)):
        return
    assert value.__doc__, f"apportion.{name} has no docstring"
    if inspect.isclass(value):
        bare = [
            member
            for member, thing in vars(value).items()
            if not member.startswith("_") and (inspect.isroutine(thing) or isinstance(thing, property))
            if not inspect.getdoc(thing)
        ]
        assert not bare, f"apportion.{name} has members without a docstring: {bare}"
