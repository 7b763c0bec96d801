"""Many independent calls: on all cores, with progress, and resumable from a file of those that are finished."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from apportion._errors import MissingExtra, RequestError

__all__ = ["kept", "run_all"]

Progress = Callable[[int], object]
"""Called with the number of calls that were finished since the last call."""


def run_all(
    function: Callable[..., Any],
    tasks: Mapping[str, tuple[Any, ...]],
    *,
    jobs: int = 1,
    keep: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Call a function once per task, in any order.

    Parameters
    ----------
    function : callable
        Its results are plain data that JSON can hold. With several processes, it and its arguments can be pickled.
    tasks : mapping of str to tuple
        Arguments by the name of the call.
    jobs : int, default 1
        So many processes; 0: one per core.
    keep : path, optional
        A file that gets a line for each finished call at once. Calls that are in it are not made again, so that what
        was interrupted goes on where it was.
    progress : callable, optional
        Called first with the number of calls that were found in the file.

    Returns
    -------
    dict
        Results by name, in the order of `tasks`.

    Raises
    ------
    MissingExtra
        With several processes and without joblib.
    RequestError
        When `keep` is a file of something else, or `jobs` is negative.

    Examples
    --------
    >>> run_all(pow, {"square": (3, 2), "cube": (3, 3)})
    {'square': 9, 'cube': 27}
    """
    if jobs < 0:
        raise RequestError(f"{jobs} processes; give 1 or more, or 0 for one per core")
    done = {} if keep is None else {name: each for name, each in kept(keep).items() if name in tasks}
    if progress is not None and done:
        progress(len(done))
    left = {name: arguments for name, arguments in tasks.items() if name not in done}
    for name, result in _results(function, left, jobs or (os.cpu_count() or 1)):
        done[name] = result
        if keep is not None:
            with Path(keep).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"run": name, "result": result}) + "\n")
        if progress is not None:
            progress(1)
    return {name: done[name] for name in tasks}


def kept(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the finished calls of a file; none if there is no file.

    Parameters
    ----------
    path : path

    Returns
    -------
    dict
        Results by name. A last line that was cut off in the middle is left out, and taken out of the file.

    Raises
    ------
    RequestError
        Naming the first line that is something else.
    """
    path = Path(path)
    found: dict[str, Any] = {}
    if not path.exists():
        return found
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    for number, line in enumerate(data[:whole].splitlines(), 1):
        try:
            entry = json.loads(line)
            found[entry["run"]] = entry["result"]
        except (ValueError, TypeError, KeyError) as error:
            raise RequestError(f"{path}, line {number}: no finished run; name another file to keep them in") from error
    if whole < len(data):
        if whole == 0 and not data.startswith(b'{"run": '[: len(data)]):
            raise RequestError(f"{path}, line 1: no finished run; name another file to keep them in")
        with path.open("r+b") as file:
            file.truncate(whole)
    return found


def _named(function: Callable[..., Any], name: str, arguments: tuple[Any, ...]) -> tuple[str, Any]:
    return name, function(*arguments)


def _results(
    function: Callable[..., Any], tasks: Mapping[str, tuple[Any, ...]], jobs: int
) -> Iterator[tuple[str, Any]]:
    if min(jobs, len(tasks)) <= 1:
        for name, arguments in tasks.items():
            yield _named(function, name, arguments)
        return
    try:
        import joblib
    except ImportError as error:
        raise MissingExtra("sweep", "several processes (--jobs 1 does with one)") from error
    parallel = joblib.Parallel(n_jobs=min(jobs, len(tasks)), return_as="generator_unordered")
    yield from parallel(joblib.delayed(_named)(function, name, arguments) for name, arguments in tasks.items())
