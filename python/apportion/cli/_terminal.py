"""What people see of every command: tables, JSON, bars, one message for an error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from apportion._errors import ApportionError

__all__ = ["MISUSE", "NO", "Group", "as_json", "bar", "debugging", "examples", "say_json", "say_misuse", "say_table"]

NO, MISUSE = 1, 2
"""Exit codes: the answer is no; a wrong option, an unknown name, a file that is not there."""

_PLAIN_WIDTH = 400  # what is not a terminal gets one line per row


def _console() -> Any:
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else _PLAIN_WIDTH)


def say_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: with a line below the header on a terminal, plain aligned columns elsewhere."""
    from rich import box
    from rich.table import Table

    console = _console()
    table = Table(box=box.SIMPLE_HEAD if console.is_terminal else None, pad_edge=False)
    for number, name in enumerate(header):
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def say_json(data: object) -> None:
    """Print JSON."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


@contextmanager
def bar(total: int, label: str, unit: str = "") -> Iterator[Callable[[int], object]]:
    """Show a bar on standard error, on a terminal alone."""
    from tqdm import tqdm

    with tqdm(total=total, desc=label, unit=unit, disable=None, leave=False) as bar:
        yield bar.update


def examples(*lines: str) -> str:
    """Give the end of a help text: examples, each on a line of its own."""
    keep_lines = "\b"  # else click joins them
    return "\n".join([keep_lines, "Examples:", *(f"  {line}" for line in lines)])


class Group(click.Group):
    """Turns the errors of people into one message and exit code 2; APPORTION_DEBUG=1 shows the traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except (ApportionError, OSError) as error:
            if debugging() or isinstance(error, BrokenPipeError):
                raise
            say_misuse(_message(error))
            sys.exit(MISUSE)


def debugging() -> bool:
    """Say whether tracebacks are wanted."""
    return os.environ.get("APPORTION_DEBUG") == "1"


def say_misuse(message: str) -> None:
    """Print a message on standard error."""
    click.secho(f"apportion: {message}", fg="red", err=True)


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
