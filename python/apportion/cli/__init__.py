"""The command line. What a command needs is imported when it runs, so that ``apportion --help`` is quick.

Exit codes: 0 fine; 1 the answer is no (a document has problems, a request would be denied); 2 misuse.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from apportion._core import __version__
from apportion._errors import DocumentError, Problem, render_problems

from ._simulate import simulate
from ._sweep import sweep
from ._terminal import MISUSE, NO, Group, as_json, bar, debugging, examples, say_json, say_misuse, say_table

__all__ = ["main"]


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "apportion demo",
        "apportion check disks.toml",
        "apportion explain disks.toml --type disk --amount gb=10 --consumer ada",
    ),
)
@click.version_option(__version__, "-V", "--version", prog_name="apportion", message="%(prog)s %(version)s")
def main() -> None:
    """Decide who gets which resource, and say why when the answer is no.

    Exit codes: 0 fine; 1 the answer is no (problems, denied); 2 misuse. APPORTION_DEBUG=1 shows where an error came
    from.
    """


# --- demo


@main.command(
    short_help="Run a mail-like service, narrated.",
    epilog=examples("apportion demo", "apportion demo --seed 7 --out /tmp/demo.html", "apportion demo --json"),
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("demo.html"),
    show_default=True,
    help="The page that is written.",
)
@click.option("--seed", default=1, show_default=True, help="Of the made-up service; equal seeds, equal results.")
@as_json
def demo(out: Path, seed: int, as_json: bool) -> None:
    """Run a mail-like service: 1,000 stores, 10,000 mailboxes, one denial, two policies.

    Tells what it does, and writes a page with charts (with the extra `view`) that fetches nothing from anywhere.
    """
    from apportion import demo as _demo

    if not out.parent.is_dir():  # before the work, not after it
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(out.parent))

    def say(text: str) -> None:
        if not as_json:
            click.echo(f"{text}\n")

    result = _demo.run(seed, _demo.Narrator(say, bar))
    _demo.render(result, out)
    if as_json:
        say_json({**result.to_dict(), "page": str(out)})
        return
    say("4. The same requests under two policies:")
    say_table(*_demo.header_and_rows(result))
    click.echo(f"\n{result.seconds:.1f} s. Open {out} in a browser.")


# --- check


def _content(source: bytes | Path) -> bytes:
    """Give the bytes of a document, none if its name is refused and it is no file."""
    if isinstance(source, bytes):
        return source
    return source.read_bytes() if source.is_file() else b""


def _problems(documents: Sequence[str], together: bool) -> Iterator[dict[str, Any]]:
    from apportion.pool import Pool

    pool = Pool()
    for document in documents:
        pool = pool if together else Pool()
        name = "stdin" if document == "-" else document
        source = sys.stdin.buffer.read() if document == "-" else Path(document)
        checked: dict[str, Any] = {"document": name, "problems": (), "text": "", "unread": False}
        try:
            pool.apply(source)
            if not _content(source).strip():
                checked["problems"] = (Problem("", "the document is empty"),)
        except DocumentError as error:
            checked |= {"problems": error.problems, "text": _content(source).decode("utf-8-sig", "replace")}
        except OSError as error:
            if debugging():
                raise
            checked |= {"problems": (Problem("", error.strerror or str(error)),), "unread": True}
        yield checked


@main.command(
    short_help="Report every problem of documents.",
    epilog=examples(
        "apportion check disks.toml",
        "apportion check --together types.toml instances.json",
        "generate | apportion check -",
    ),
)
@click.argument("documents", nargs=-1, required=True, metavar="DOCUMENT...")
@click.option("--together", is_flag=True, help="Apply them one after the other to one pool.")
@as_json
def check(documents: tuple[str, ...], together: bool, as_json: bool) -> None:
    """Report every problem of documents, with its line.

    A DOCUMENT is a .toml or .json file, or - for standard input. Each is checked alone. Exit code 1 when there are
    problems, 2 when a document cannot be read; the others are checked all the same.
    """
    found = list(_problems(documents, together))
    if as_json:
        say_json({"documents": [_plain_check(each) for each in found]})
    else:
        for each in found:
            _say_check(each)
    if any(each["unread"] for each in found):
        sys.exit(MISUSE)
    sys.exit(NO if any(each["problems"] for each in found) else 0)


def _plain_check(checked: dict[str, Any]) -> dict[str, Any]:
    names = ("place", "message", "line", "column")
    problems = [{name: getattr(problem, name) for name in names} for problem in checked["problems"]]
    return {"document": checked["document"], "ok": not problems, "problems": problems}


def _say_check(checked: dict[str, Any]) -> None:
    name, problems = checked["document"], checked["problems"]
    if checked["unread"]:
        say_misuse(f"{name}: {problems[0].message}")
        return
    for problem in problems:
        click.echo(render_problems([problem], checked["text"], name))
    count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}" if problems else "no problems"
    click.secho(f"{name}: {count}", fg="red" if problems else "green")


# --- explain


def _amounts(_: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    from decimal import Decimal, InvalidOperation

    amounts: dict[str, Any] = {}
    for value in values:
        name, _equals, number = (part.strip() for part in value.partition("="))
        if name in amounts:
            raise click.BadParameter(f"{name!r} is given twice, as {amounts[name]} and as {number}")
        try:
            amounts[name] = Decimal(number)
        except InvalidOperation:
            raise click.BadParameter(f"{value!r} is not DIMENSION=NUMBER, such as gb=10") from None
    return amounts


def _only_type(types: list[str]) -> str:
    names = sorted(set(types))
    if len(names) != 1:
        raise click.UsageError(f"name the type with --type: there are {', '.join(names) or 'none'}")
    return names[0]


@main.command(
    short_help="Show how a request would be decided.",
    epilog=examples(
        "apportion explain disks.toml --amount gb=10 --consumer ada",
        "apportion explain disks.toml --type disk --amount gb=10 --policy balance --json",
        """apportion explain disks.toml --amount gb=1 --where 'self.location == "zone-a"'""",
    ),
)
@click.argument("document")
@click.option("--type", "type_", metavar="NAME", help="The resource type; may be left out if there is only one.")
@click.option(
    "--amount", "amounts", multiple=True, callback=_amounts, metavar="DIM=N", help="Of a dimension; repeatable."
)
@click.option("--consumer", default="anyone", show_default=True, metavar="ID", help="Who asks.")
@click.option("--where", default="", metavar="EXPRESSION", help="Which instances may serve.")
@click.option("--policy", metavar="NAME", help="Instead of the instance's or type's own.")
@click.option("--count", default=1, show_default=True, help="So many different instances.")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(min=0), help="Rows of the ranking.")
@as_json
def explain(document: str, type_: str | None, as_json: bool, **request: Any) -> None:
    """Show how a request would be decided: the ranking with its scores, or the denial.

    DOCUMENT is a .toml or .json file with types and instances, or - for standard input. Exit code 1 when the request
    would be denied.
    """
    from apportion.pool import load

    pool = load(sys.stdin.buffer.read() if document == "-" else Path(document))
    answer = pool.explain(type_ or _only_type(pool.types.to_dict()["type"]), **request)
    if as_json:
        click.echo(answer.to_json(indent=2))
    else:
        click.echo(str(answer) if answer.denial is None else str(answer.denial))
    sys.exit(0 if answer.granted else NO)


# --- bench, schema


@main.group(
    short_help="Measure what this machine reaches.",
    epilog=examples("apportion bench allocator", "apportion bench state --json"),
)
def bench() -> None:
    """Measure what this machine reaches, each figure beside a yardstick of the same run.

    The ratio is figure / yardstick: of a rate (pairs/s) more is better, of us, ns and bytes less.
    """


_rows = click.option("--rows", default="", metavar="PATTERN", help="Only rows whose name contains this.")
_seconds = click.option(
    "--seconds", default=1.0, show_default=True, type=click.FloatRange(min=0.001), help="About how long each row runs."
)


def _measure(suite: str, as_json: bool, rows: str, seconds: float, instances: int) -> None:
    from dataclasses import asdict

    from apportion import bench as _bench

    with bar(len(_bench.names(suite, rows, instances)), "bench", " rows") as advance:
        measured = _bench.measure(suite, rows=rows, seconds=seconds, instances=instances, tell=lambda _: advance(1))
    if as_json:
        say_json({"suite": suite, "seconds": seconds, "rows": [asdict(row) for row in measured]})
        return
    header = ("row", "value", "unit", "yardstick", "ratio", "which is", "note")
    cells = [
        (r.name, f"{r.value:,.4g}", r.unit, f"{r.yardstick:,.4g}", f"{r.ratio:.3g}", r.against, r.note)
        for r in measured
    ]
    say_table(header, cells)


@bench.command(
    "allocator",
    short_help="Allocation, forks, replay, memory.",
    epilog=examples(
        "apportion bench allocator",
        "apportion bench allocator --rows pairs.hot16 --seconds 3",
        "apportion bench allocator --instances 10000 --json",
    ),
)
@_rows
@_seconds
@click.option(
    "--instances", default=100_000, show_default=True, type=click.IntRange(min=100), help="Machines of the pool."
)
@as_json
def bench_allocator(rows: str, seconds: float, instances: int, as_json: bool) -> None:
    """Measure the allocator on a made-up pool that is 85 % full, for a minute or two.

    A pair allocates one request and releases a random live claim. The scale rows have a hundredth, a tenth, as many and
    ten times as many machines.
    """
    _measure("allocator", as_json, rows, seconds, instances)


@bench.command(
    "state",
    short_help="Snapshots and documents.",
    epilog=examples("apportion bench state", "apportion bench state --rows snapshot --json"),
)
@_rows
@_seconds
@as_json
def bench_state(rows: str, seconds: float, as_json: bool) -> None:
    """Measure snapshots and documents, with 1,000 instances."""
    _measure("state", as_json, rows, seconds, 100_000)


@main.command(short_help="Print the JSON Schema of documents.", epilog=examples("apportion schema > schema.json"))
def schema() -> None:
    """Print the JSON Schema of documents, for editors and other validators."""
    from apportion.metadata import schema as _schema

    say_json(_schema())


main.add_command(simulate)
main.add_command(sweep)
