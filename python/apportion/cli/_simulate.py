"""Commands that drive a pool from a trace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ._openb import openb
from ._terminal import as_json, bar, examples, say_json, say_table

if TYPE_CHECKING:
    from apportion.simulate import Trace

__all__ = ["simulate"]


@click.group(
    short_help="Drive a pool from a trace.",
    epilog=examples("apportion simulate azure-packing --policy first,closest_capacity"),
)
def simulate() -> None:
    """Drive a pool from a trace, once per policy, and compare."""


def _trace(data: Path | None, synthetic: int | None, seed: int) -> Trace:
    from apportion import simulate as _simulate

    if synthetic and data is not None:
        raise click.UsageError("--synthetic makes a trace up, --data reads one: give one of them")
    return _simulate.synthetic(synthetic, seed) if synthetic else _simulate.read(_simulate.find(data))


def _policy_names(policy: str | None, policies: Path | None) -> list[str]:
    from apportion import simulate as _simulate
    from apportion.pool import Pool

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
    epilog=examples(
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
@as_json
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
    from apportion import simulate as _simulate

    fleet = _simulate.Fleet(servers, server_cores, server_ram_gb)
    names = _policy_names(policy, policies)
    for name in names:  # misuse shows before the first long run
        _simulate.make_pool(_simulate.Fleet(1, server_cores, server_ram_gb), name, policies)
    trace = _trace(data, synthetic, seed)
    outcomes = []
    for name in names:
        with bar(len(trace.columns.vm), name, " events") as advance:
            outcomes.append(_simulate.run(trace, fleet, name, policies, advance))
    report = _simulate.as_dict(trace, fleet, outcomes)
    if as_json:
        say_json(report)
        return
    click.echo(f"{_simulate.summary(report)}\n")
    say_table(_simulate.HEADER, _simulate.rows(outcomes))


simulate.add_command(openb)
