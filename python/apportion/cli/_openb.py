"""The command that fills a cluster with GPUs, and what it shares with sweeps over the same experiment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ._terminal import as_json, bar, examples, say_json, say_table

if TYPE_CHECKING:
    from apportion.simulate.openb import Policy, Reference, Workload

__all__ = ["openb", "options", "policies_of", "seeds_of", "workloads_of"]

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--data",
        type=click.Path(path_type=Path),
        help="Folder of the trace, or the one above it.  [default: $APPORTION_DATA, else ../shared/data]",
    ),
    click.option("--synthetic", type=click.IntRange(min=1), metavar="N", help="Make up a cluster of N nodes instead."),
    click.option("--pods", multiple=True, metavar="LIST", help="List of pods; repeatable, or all.  [default: default]"),
    click.option("--seeds", default=3, show_default=True, type=click.IntRange(min=1), help="So many runs of each."),
    click.option("--first-seed", default=1, show_default=True, type=click.IntRange(min=0), help="The first of them."),
    click.option("--load", default=1.3, show_default=True, help="What arrives, as a multiple of all GPUs."),
    click.option(
        "--keep",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Finished runs are kept here, and not run again.",
    ),
    click.option(
        "--jobs", default=0, type=click.IntRange(min=0), metavar="N", help="Processes.  [default: one per core]"
    ),
)


def options(command: Command) -> Command:
    """Add what the commands over this experiment have in common."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _split(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(part.strip() for value in values for part in value.split(",") if part.strip()))


def policies_of(values: Sequence[str]) -> list[Policy]:
    """Give policies by name, or all policies of files; names with commas between are several."""
    from apportion._errors import UnknownName
    from apportion.simulate import openb as _openb

    shipped = _openb.policies_in()
    found: dict[str, Policy] = {}
    for name in _split(values):
        if name == "all":
            found |= shipped
        elif Path(name).suffix in (".toml", ".json"):
            found |= _openb.policies_in(name)
        elif name in shipped:
            found[name] = shipped[name]
        else:
            raise UnknownName(f"there is no policy {name!r}; there are {', '.join(shipped)}, or name a .toml file")
    return list(found.values())


def seeds_of(seeds: int, first_seed: int) -> list[int]:
    """Give so many seeds in a row."""
    return list(range(first_seed, first_seed + seeds))


def workloads_of(
    data: Path | None, synthetic: int | None, pods: Sequence[str]
) -> tuple[list[Workload], dict[str, dict[tuple[str, str], Reference]]]:
    """Read or make up what was asked for, and what was published of it."""
    from apportion.simulate import openb as _openb

    lists = _split(pods) or ["default"]
    if synthetic is not None:
        if data is not None or pods:
            raise click.UsageError("--synthetic makes a cluster and its pods up: leave --data and --pods out")
        return [_openb.synthetic(synthetic)], {}
    folder = _openb.find(data)
    names = _openb.LISTS if lists == ["all"] else lists
    return [_openb.read(folder, name) for name in names], {name: _openb.published(folder, name) for name in names}


def _show(name: str, workload: Workload, seed: int, as_json: bool) -> None:
    from apportion.simulate import openb as _openb

    for policy in policies_of([name]):
        tree = _openb.document(workload, policy, seed)
        if as_json:
            say_json(tree)
        else:
            click.echo(_openb.as_toml(tree))


@click.command(
    "openb",
    short_help="A cluster with GPUs that fills up.",
    epilog=examples(
        "apportion simulate openb --policy fgd,best_fit",
        "apportion simulate openb --data ../shared/data --pods all --policy all --seeds 30 --keep runs.jsonl",
        "apportion simulate openb --policy fgd --policy mine.toml --chart curves.html",
        "apportion simulate openb --synthetic 60 --policy fgd --json",
        "apportion simulate openb --show-policy fgd",
    ),
)
@options
@click.option(
    "--policy",
    "policy",
    multiple=True,
    metavar="NAME|FILE",
    help="Policy, or file of policies; repeatable, or all.  [default: best_fit,fgd]",
)
@click.option(
    "--chart",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Draw both measures against arrived load, as .svg or .html.",
)
@click.option("--show-policy", metavar="NAME|FILE", help="Print the document that a pool gets, and run nothing.")
@as_json
def openb(
    data: Path | None,
    synthetic: int | None,
    pods: tuple[str, ...],
    seeds: int,
    first_seed: int,
    load: float,
    keep: Path | None,
    jobs: int,
    policy: tuple[str, ...],
    chart: Path | None,
    show_policy: str | None,
    as_json: bool,
) -> None:
    """Fill the cluster of the trace openb with pods until there is no room.

    Pods arrive one after the other, none leaves, and those that are denied are gone. Measured are the share of all GPUs
    that is allocated, and the share of the idle ones that typical pods have no use for; beside them stands what was
    published.
    """
    from apportion.simulate.openb import report, study
    from apportion.simulate.openb.run import make_pool

    numbers = seeds_of(seeds, first_seed)
    workloads, references = workloads_of(data, synthetic, pods)
    if show_policy is not None:
        _show(show_policy, workloads[0], numbers[0], as_json)
        return
    policies = policies_of(policy or ["best_fit", "fgd"])
    if chart is not None:
        report.check_chart(chart)
    for each in policies:  # misuse shows before the first long run
        make_pool(workloads[0], each, [])
    with bar(len(workloads) * len(policies) * seeds, "openb", " runs") as advance:
        outcomes = study.runs(workloads, policies, numbers, load=load, jobs=jobs, keep=keep, progress=advance)
    last = min(len(each.curves.allocation) for each in outcomes) - 1
    found = study.means(outcomes, references, sorted({min(100, last), last}))
    title = "; ".join(report.summary(each, load, numbers) for each in workloads)
    if chart is not None:
        report.write_chart(report.chart(outcomes, references), chart, title, found)
    if as_json:
        say_json(report.as_dict(workloads, load, outcomes, found))
        return
    for workload in workloads:
        click.echo(report.summary(workload, load, numbers))
    click.echo()
    say_table(report.HEADER, report.rows(found))
