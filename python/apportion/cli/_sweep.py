"""Commands that look for good constants of a policy."""

from __future__ import annotations

from pathlib import Path

import click

from ._openb import options, policies_of, seeds_of, workloads_of
from ._terminal import as_json, bar, examples, say_json, say_table

__all__ = ["sweep"]


@click.group(
    short_help="Try constants of a policy.",
    epilog=examples("apportion sweep openb --policy mine.toml --set weight=0.1,0.2,0.5"),
)
def sweep() -> None:
    """Run a policy once per choice of its constants, and rank the choices."""


@sweep.command(
    "openb",
    short_help="On a cluster with GPUs that fills up.",
    epilog=examples(
        "apportion sweep openb --policy fgd_unstranded --set strand_weight=0.1,0.2,0.5 --pods all",
        "apportion sweep openb --policy mine.toml --set weight=0,1 --set step=5,10 --keep sweep.jsonl",
        "apportion sweep openb --policy mine.toml --set weight=0,1 --against best_fit --at 130 --json",
    ),
)
@click.option(
    "--policy", "policy", multiple=True, required=True, metavar="NAME|FILE", help="Policy, or file of policies."
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=V,V",
    help="Values of a constant of the policy; with several, every combination.",
)
@click.option("--against", default="fgd", show_default=True, metavar="NAME", help="Compared with, on equal arrivals.")
@click.option("--at", "percent", default=100, show_default=True, help="Percent of arrived load that is compared.")
@options
@as_json
def openb(
    policy: tuple[str, ...],
    settings: tuple[str, ...],
    against: str,
    percent: int,
    data: Path | None,
    synthetic: int | None,
    pods: tuple[str, ...],
    seeds: int,
    first_seed: int,
    load: float,
    keep: Path | None,
    jobs: int,
    as_json: bool,
) -> None:
    """Run a policy with many values of its constants, on the experiment of `apportion simulate openb`.

    The table has, per choice, how much more is allocated than by the policy that it is compared with, in percentage
    points: by list, the mean and the worst of them. The best mean comes first.
    """
    from apportion.simulate.openb import sweeps
    from apportion.simulate.openb.run import make_pool

    values = sweeps.settings_of(settings)
    tried = [variant for each in policies_of(policy) for variant in sweeps.variants(each, values)]
    others = policies_of([against])
    if len(others) != 1:
        raise click.UsageError(f"--against {against!r}: name one policy")
    numbers = seeds_of(seeds, first_seed)
    workloads, _ = workloads_of(data, synthetic, pods)
    for each in [*tried, *others]:  # misuse shows before the first long run
        make_pool(workloads[0], each, [])
    with bar(len(workloads) * (len(tried) + 1) * seeds, "sweep", " runs") as advance:
        found = sweeps.sweep(
            workloads,
            tried,
            others[0],
            numbers,
            percent=percent,
            load=load,
            jobs=jobs,
            keep=keep,
            progress=advance,
        )
    if as_json:
        say_json(sweeps.as_dict(found, others[0], percent, numbers))
        return
    click.echo(f"allocation at {percent} % of arrived load, seeds {numbers[0]} to {numbers[-1]}:")
    click.echo(f"percentage points more than {others[0].title}\n")
    say_table(sweeps.header(found, list(values)), sweeps.rows(found, list(values)))
