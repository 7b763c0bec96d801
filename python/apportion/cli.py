"""The command line. What a command needs is imported when it runs, so that ``apportion --help`` is quick.

Exit codes: 0 fine; 1 the answer is no (a document has problems, a request would be denied); 2 misuse.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._core import __version__
from ._errors import ApportionError, DocumentError, Problem, render_problems

if TYPE_CHECKING:
    from .simulate import Trace

__all__ = ["main"]

NO, MISUSE = 1, 2
_PLAIN_WIDTH = 400  # what is not a terminal gets one line per row


# --- what people see


def _console() -> Any:
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else _PLAIN_WIDTH)


def _say_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
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


def _say_json(data: object) -> None:
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


@contextmanager
def _bar(total: int, label: str, unit: str = "") -> Iterator[Callable[[int], object]]:
    """Show a bar on standard error, on a terminal alone."""
    from tqdm import tqdm

    with tqdm(total=total, desc=label, unit=unit, disable=None, leave=False) as bar:
        yield bar.update


def _examples(*lines: str) -> str:
    """Give the end of a help text: examples, each on a line of its own."""
    keep_lines = "\b"  # else click joins them
    return "\n".join([keep_lines, "Examples:", *(f"  {line}" for line in lines)])


class _Group(click.Group):
    """Turns the errors of people into one message and exit code 2; APPORTION_DEBUG=1 shows the traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (ApportionError, OSError) as error:
            if _debugging() or isinstance(error, BrokenPipeError):
                raise
            _say_misuse(_message(error))
            sys.exit(MISUSE)


def _debugging() -> bool:
    return os.environ.get("APPORTION_DEBUG") == "1"


def _say_misuse(message: str) -> None:
    click.secho(f"apportion: {message}", fg="red", err=True)


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_examples(
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
    epilog=_examples("apportion demo", "apportion demo --seed 7 --out /tmp/demo.html", "apportion demo --json"),
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("demo.html"),
    show_default=True,
    help="The page that is written.",
)
@click.option("--seed", default=1, show_default=True, help="Of the made-up service; equal seeds, equal results.")
@_as_json
def demo(out: Path, seed: int, as_json: bool) -> None:
    """Run a mail-like service: 1,000 stores, 10,000 mailboxes, one denial, two policies.

    Tells what it does, and writes a page with charts (with the extra `view`) that fetches nothing from anywhere.
    """
    from . import demo as _demo

    if not out.parent.is_dir():  # before the work, not after it
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(out.parent))

    def say(text: str) -> None:
        if not as_json:
            click.echo(f"{text}\n")

    result = _demo.run(seed, _demo.Narrator(say, _bar))
    _demo.render(result, out)
    if as_json:
        _say_json({**result.to_dict(), "page": str(out)})
        return
    say("4. The same requests under two policies:")
    _say_table(*_demo.header_and_rows(result))
    click.echo(f"\n{result.seconds:.1f} s. Open {out} in a browser.")


# --- check


def _content(source: bytes | Path) -> bytes:
    """Give the bytes of a document, none if its name is refused and it is no file."""
    if isinstance(source, bytes):
        return source
    return source.read_bytes() if source.is_file() else b""


def _problems(documents: Sequence[str], together: bool) -> Iterator[dict[str, Any]]:
    from .pool import Pool

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
            if _debugging():
                raise
            checked |= {"problems": (Problem("", error.strerror or str(error)),), "unread": True}
        yield checked


@main.command(
    short_help="Report every problem of documents.",
    epilog=_examples(
        "apportion check disks.toml",
        "apportion check --together types.toml instances.json",
        "generate | apportion check -",
    ),
)
@click.argument("documents", nargs=-1, required=True, metavar="DOCUMENT...")
@click.option("--together", is_flag=True, help="Apply them one after the other to one pool.")
@_as_json
def check(documents: tuple[str, ...], together: bool, as_json: bool) -> None:
    """Report every problem of documents, with its line.

    A DOCUMENT is a .toml or .json file, or - for standard input. Each is checked alone. Exit code 1 when there are
    problems, 2 when a document cannot be read; the others are checked all the same.
    """
    found = list(_problems(documents, together))
    if as_json:
        _say_json({"documents": [_plain_check(each) for each in found]})
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
        _say_misuse(f"{name}: {problems[0].message}")
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
    epilog=_examples(
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
@_as_json
def explain(document: str, type_: str | None, as_json: bool, **request: Any) -> None:
    """Show how a request would be decided: the ranking with its scores, or the denial.

    DOCUMENT is a .toml or .json file with types and instances, or - for standard input. Exit code 1 when the request
    would be denied.
    """
    from .pool import load

    pool = load(sys.stdin.buffer.read() if document == "-" else Path(document))
    answer = pool.explain(type_ or _only_type(pool.types.to_dict()["type"]), **request)
    if as_json:
        click.echo(answer.to_json(indent=2))
    else:
        click.echo(str(answer) if answer.denial is None else str(answer.denial))
    sys.exit(0 if answer.granted else NO)


# --- simulate


@main.group(
    short_help="Drive a pool from a trace.",
    epilog=_examples("apportion simulate azure-packing --policy first,closest_capacity"),
)
def simulate() -> None:
    """Drive a pool from a trace, once per policy, and compare."""


def _trace(data: Path | None, synthetic: int | None, seed: int) -> Trace:
    from . import simulate as _simulate

    if synthetic and data is not None:
        raise click.UsageError("--synthetic makes a trace up, --data reads one: give one of them")
    return _simulate.synthetic(synthetic, seed) if synthetic else _simulate.read(_simulate.find(data))


def _policy_names(policy: str | None, policies: Path | None) -> list[str]:
    from . import simulate as _simulate
    from .pool import Pool

    if policy is None and policies is not None:
        return _simulate.policies_in(policies)
    names = [name.strip() for name in ("closest_capacity" if policy is None else policy).split(",") if name.strip()]
    if not names:
        raise click.UsageError(f"--policy {policy!r} names no policy; give names with commas between, or all")
    if "all" in names and len(names) > 1:
        raise click.UsageError(f"--policy {policy!r}: all stands alone and means every named policy")
    return list(Pool().metadata["policies"]) if names == ["all"] else names


@simulate.command(
    "azure-packing",
    short_help="Virtual machines on equal servers.",
    epilog=_examples(
        "apportion simulate azure-packing --policy first,closest_capacity",
        "apportion simulate azure-packing --data ../shared/data --servers 470 --policy all --json",
        "apportion simulate azure-packing --policies mine.toml --policy mine,balance",
        "apportion simulate azure-packing --synthetic 5000 --servers 26",
    ),
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Folder of the sample, or the one above it.  [default: $APPORTION_DATA, else ../shared/data]",
)
@click.option("--synthetic", type=click.IntRange(min=1), metavar="N", help="Make up a trace of N machines instead.")
@click.option("--seed", default=0, show_default=True, help="Of --synthetic.")
@click.option("--servers", default=480, show_default=True, help="Equal servers.")
@click.option("--server-cores", default=96.0, show_default=True, help="Cores of each.")
@click.option("--server-ram-gb", default=2048.0, show_default=True, help="Memory of each, in GB.")
@click.option("--policy", metavar="NAME,...", help="Policies to compare, or all.  [default: closest_capacity]")
@click.option(
    "--policies", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="A document with your policies."
)
@_as_json
def azure_packing(
    data: Path | None,
    synthetic: int | None,
    seed: int,
    servers: int,
    server_cores: float,
    server_ram_gb: float,
    policy: str | None,
    policies: Path | None,
    as_json: bool,
) -> None:
    """Place the virtual machines of the Azure packing sample on equal servers.

    Two dimensions, cores and memory, in steps of 0.001. Departures come before arrivals at equal times, then the order
    of the file. Denied machines are gone; they do not come back.
    """
    from . import simulate as _simulate

    fleet = _simulate.Fleet(servers, server_cores, server_ram_gb)
    names = _policy_names(policy, policies)
    for name in names:  # misuse shows before the first long run
        _simulate.make_pool(_simulate.Fleet(1, server_cores, server_ram_gb), name, policies)
    trace = _trace(data, synthetic, seed)
    outcomes = []
    for name in names:
        with _bar(len(trace.columns.vm), name, " events") as advance:
            outcomes.append(_simulate.run(trace, fleet, name, policies, advance))
    report = _simulate.as_dict(trace, fleet, outcomes)
    if as_json:
        _say_json(report)
        return
    click.echo(f"{_simulate.summary(report)}\n")
    _say_table(_simulate.HEADER, _simulate.rows(outcomes))


# --- bench, schema


@main.group(
    short_help="Measure what this machine reaches.",
    epilog=_examples("apportion bench allocator", "apportion bench state --json"),
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

    from . import bench as _bench

    with _bar(len(_bench.names(suite, rows, instances)), "bench", " rows") as advance:
        measured = _bench.measure(suite, rows=rows, seconds=seconds, instances=instances, tell=lambda _: advance(1))
    if as_json:
        _say_json({"suite": suite, "seconds": seconds, "rows": [asdict(row) for row in measured]})
        return
    header = ("row", "value", "unit", "yardstick", "ratio", "which is", "note")
    cells = [
        (r.name, f"{r.value:,.4g}", r.unit, f"{r.yardstick:,.4g}", f"{r.ratio:.3g}", r.against, r.note)
        for r in measured
    ]
    _say_table(header, cells)


@bench.command(
    "allocator",
    short_help="Allocation, forks, replay, memory.",
    epilog=_examples(
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
@_as_json
def bench_allocator(rows: str, seconds: float, instances: int, as_json: bool) -> None:
    """Measure the allocator on a made-up pool that is 85 % full, for a minute or two.

    A pair allocates one request and releases a random live claim. The scale rows have a hundredth, a tenth, as many and
    ten times as many machines.
    """
    _measure("allocator", as_json, rows, seconds, instances)


@bench.command(
    "state",
    short_help="Snapshots and documents.",
    epilog=_examples("apportion bench state", "apportion bench state --rows snapshot --json"),
)
@_rows
@_seconds
@_as_json
def bench_state(rows: str, seconds: float, as_json: bool) -> None:
    """Measure snapshots and documents, with 1,000 instances."""
    _measure("state", as_json, rows, seconds, 100_000)


@main.command(short_help="Print the JSON Schema of documents.", epilog=_examples("apportion schema > schema.json"))
def schema() -> None:
    """Print the JSON Schema of documents, for editors and other validators."""
    from .metadata import schema as _schema

    _say_json(_schema())
