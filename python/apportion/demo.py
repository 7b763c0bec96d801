"""The demonstration: a mail-like service, its requests, one refusal explained, two policies compared.

It is a program as a user would write it: everything goes through the public surface.
"""

from __future__ import annotations

import html
import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ._answers import Denial, html_table
from ._errors import MissingExtra
from .pool import Pool, load

__all__ = ["Comparison", "Narrator", "Result", "render", "run"]

STORES, MAILBOXES = 1000, 10_000
ZONES = ("amber", "birch", "cedar", "dune", "elm")
POLICIES = ("least_utilised", "closest_capacity")
ARCHIVE_GB = 30
SSD = 'self.media == "ssd"'
SERVICE = """\
description = "mailboxes on shared stores"

[types.store]
description = "a disk that holds the mailboxes of many people"
dimensions.gb = { unit = "GB", step = 0.001 }
fields.media = { kind = "enum", values = ["ssd", "hdd"], required = true }
policy = "least_utilised"
max_consumers = 200
"""
_BATCH = 250
_PLANS = (("basic", 0.5, 1, 4), ("standard", 0.3, 2, 8), ("business", 0.2, 5, 20))  # share, smallest and largest GB
_CHART_SIZES = (1, 2, 3, 5, 8, 12, 16, 20, 25, 30, 35, 40, 50, 60, 80)


@dataclass(frozen=True, slots=True)
class Narrator:
    """How the demonstration speaks.

    Attributes
    ----------
    say : callable
        Takes a paragraph.
    bar : callable
        Takes a total and a label; gives a context manager around a function that takes steps of progress.
    """

    say: Callable[[str], object]
    bar: Callable[[int, str], AbstractContextManager[Callable[[int], object]]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one policy made of the requests.

    Attributes
    ----------
    policy : str
    granted, denied : int
    stores_in_use : int
        Stores that hold a mailbox.
    mean_utilisation : float
        Used / limit over the stores in use.
    largest_free_gb : float
        The largest piece that is free on one open store.
    archives_that_fit : int
        Mailboxes of 30 GB on an SSD that could still be placed.
    """

    policy: str
    granted: int
    denied: int
    stores_in_use: int
    mean_utilisation: float
    largest_free_gb: float
    archives_that_fit: int


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that the demonstration found."""

    seed: int
    pools: dict[str, Pool]
    comparisons: tuple[Comparison, ...]
    denial: Denial
    archive: str
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Give the figures as plain data."""
        return {
            "seed": self.seed,
            "instances": STORES,
            "consumers": MAILBOXES,
            "policies": [asdict(each) for each in self.comparisons],
            "denial": self.denial.to_dict(),
            "seconds": self.seconds,
        }


def make_service(seed: int) -> Pool:
    """Make the service: 1,000 stores in five zones, some of them draining or offline, nothing allocated."""
    source = random.Random(seed)
    pool = load(SERVICE.encode(), clock=0.0)
    numbers = range(STORES)
    pool.add_many(
        {
            "id": [f"store{number:04}" for number in numbers],
            "location": [f"zone {ZONES[number % len(ZONES)]}" for number in numbers],
            "fields.media": ["ssd" if source.random() < 0.5 else "hdd" for _ in numbers],
            "capacity.gb": [(40, 60, 80, 100)[int(source.random() * 4)] for _ in numbers],
            "state.status": [_status(source.random()) for _ in numbers],
        },
        type="store",
    )
    return pool


def _status(draw: float) -> str:
    return "draining" if draw < 0.04 else "offline" if draw < 0.05 else "online"


def make_requests(seed: int) -> dict[str, list[Any]]:
    """Make the requests as columns: 10,000 mailboxes of three plans."""
    source = random.Random(seed + 1)
    columns: dict[str, list[Any]] = {"consumer": [], "gb": []}
    for number in range(MAILBOXES):
        plan, low, high = _pick(source.random())
        columns["consumer"].append(f"{plan}{number:05}@example.org")
        columns["gb"].append(round(low + source.random() * (high - low), 3))
    return columns


def _pick(draw: float) -> tuple[str, int, int]:
    for plan, share, low, high in _PLANS:
        if draw < share:
            return plan, low, high
        draw -= share
    return _PLANS[-1][0], *_PLANS[-1][2:]


def _batches(requests: dict[str, list[Any]], policy: str) -> Iterator[dict[str, list[Any]]]:
    for start in range(0, MAILBOXES, _BATCH):
        batch = {name: values[start : start + _BATCH] for name, values in requests.items()}
        yield {**batch, "policy": [policy] * len(batch["consumer"])}


def place(pool: Pool, requests: dict[str, list[Any]], policy: str, narrator: Narrator) -> int:
    """Send all requests to a pool under a policy; how many were granted."""
    granted = 0
    with narrator.bar(MAILBOXES, policy) as advance:
        for batch in _batches(requests, policy):
            answers = pool.allocate_many(batch, type="store")
            granted += int(sum(answers["granted"]))
            advance(len(answers))
    return granted


def _compare(pool: Pool, policy: str, granted: int) -> Comparison:
    used = [row["used.gb"] / row["limit.gb"] for row in pool.instances if row["used.gb"] > 0]
    trial = pool.fork()
    archives = 0
    while trial.allocate("store", gb=ARCHIVE_GB, consumer=f"trial{archives}", where=SSD, policy=policy):
        archives += 1
    return Comparison(
        policy, granted, MAILBOXES - granted, len(used), sum(used) / len(used), max(_free(pool)), archives
    )


def _free(pool: Pool) -> list[float]:
    return [row["free.gb"] for row in pool.instances if row["status"] == "online"]


def run(seed: int, narrator: Narrator) -> Result:
    """Run the demonstration.

    Parameters
    ----------
    seed : int
        Of the made-up service and its requests; equal seeds give equal results.
    narrator : Narrator

    Returns
    -------
    Result
    """
    start = time.perf_counter()
    say = narrator.say
    say("1. A service is a document. Nothing about mail is compiled in:")
    say("\n".join(f"   {line}".rstrip() for line in SERVICE.splitlines()))
    pool = make_service(seed)
    online = len(_free(pool))
    say(
        f"2. {STORES:,} stores in {len(ZONES)} zones; {online} are online, the others draining or offline.\n"
        f"   {MAILBOXES:,} people ask for mailboxes of 1 to 20 GB. Two policies get the same requests, each on a fork\n"
        "   of the same pool: least_utilised spreads, closest_capacity packs."
    )
    requests = make_requests(seed)
    pools, comparisons = {}, []
    for policy in POLICIES:
        pools[policy] = pool.fork()
        granted = place(pools[policy], requests, policy, narrator)
        comparisons.append(_compare(pools[policy], policy, granted))
    denial, archive = _ask_for_an_archive(pools, narrator)
    seconds = time.perf_counter() - start
    return Result(seed, pools, tuple(comparisons), denial, archive, seconds)


def _ask_for_an_archive(pools: dict[str, Pool], narrator: Narrator) -> tuple[Denial, str]:
    """One request that spreading has made impossible, on both pools."""
    spread, packed = (pools[policy] for policy in POLICIES)
    denial, other = (
        pool.fork().allocate("store", gb=ARCHIVE_GB, consumer="archive@example.org", where=SSD, policy=policy)
        for pool, policy in ((spread, POLICIES[0]), (packed, POLICIES[1]))
    )
    if denial:
        raise AssertionError("the demonstration is built so that this request is denied")
    narrator.say(
        f"3. Then somebody asks for {ARCHIVE_GB} GB on an SSD. Where least_utilised decided, the answer is no:"
    )
    narrator.say("\n".join(f"   {line}".rstrip() for line in str(denial).splitlines()))
    where = f"{other.instance} in {other.location}" if other else f"denied, {other.code}"
    narrator.say(f"   Where closest_capacity decided, it is: {where}.")
    return denial, where


# --- the page


def _charts(pools: dict[str, Pool]) -> list[tuple[str, str]]:
    """Captions and pictures; without the extra, how to get it."""
    from .view import fits, svg, utilisation

    used = {
        policy: [row["used.gb"] / row["limit.gb"] for row in pool.instances if row["status"] == "online"]
        for policy, pool in pools.items()
    }
    free = {policy: _free(pool) for policy, pool in pools.items()}
    return [
        ("How full the online stores are after the same requests", svg(utilisation(used, "stores"))),
        ("How many more mailboxes fit, by size", svg(fits(free, _CHART_SIZES, "GB", "mailboxes"))),
    ]


def header_and_rows(result: Result) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Give the summary as a table: a row per figure, a column per policy."""
    facts: tuple[tuple[str, Callable[[Comparison], str]], ...] = (
        ("mailboxes granted", lambda c: f"{c.granted:,}"),
        ("mailboxes denied", lambda c: f"{c.denied:,}"),
        ("stores in use", lambda c: f"{c.stores_in_use:,}"),
        ("mean utilisation of those", lambda c: f"{100 * c.mean_utilisation:.1f} %"),
        ("largest free piece, GB", lambda c: f"{c.largest_free_gb:g}"),
        (f"archives of {ARCHIVE_GB} GB that still fit", lambda c: f"{c.archives_that_fit:,}"),
    )
    rows = [(name, *(show(each) for each in result.comparisons)) for name, show in facts]
    return ("", *(each.policy for each in result.comparisons)), rows


def render(result: Result, path: Path) -> None:
    """Write the page: one file that fetches nothing, with charts where the extra ``view`` is installed.

    Parameters
    ----------
    result : Result
    path : Path
    """
    try:
        charts = _charts(result.pools)
        pictures = "".join(f"<figure>{svg}<figcaption>{caption}</figcaption></figure>" for caption, svg in charts)
    except MissingExtra as missing:
        pictures = f"<p>No charts: {html.escape(str(missing))}</p>"
    header, rows = header_and_rows(result)
    body = _PAGE.format(
        intro=f"{STORES:,} stores in {len(ZONES)} zones, {MAILBOXES:,} requests for mailboxes of 1 to 20 GB, "
        f"seed {result.seed}. Both policies decided the same requests, each on a fork of the same pool.",
        service=html.escape(SERVICE),
        summary=html_table(header, [tuple(row) for row in rows]),
        pictures=pictures,
        gb=ARCHIVE_GB,
        denial=html.escape(str(result.denial)),
        archive=html.escape(result.archive),
    )
    path.write_text(body, encoding="utf-8")


_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>apportion: spread or pack?</title>
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}
table {{ border-collapse: collapse; }}
td, th {{ padding: 0.2rem 1rem 0.2rem 0; border-bottom: 1px solid #ddd; text-align: right; }}
td:first-child, th:first-child {{ text-align: left; }}
pre {{ background: #f5f5f3; padding: 0.8rem; overflow-x: auto; font-size: 0.8rem; }}
figure {{ margin: 1.5rem 0; overflow-x: auto; }}
figcaption {{ color: #555; }}
</style>
</head>
<body>
<h1>Spread or pack?</h1>
<p>{intro}</p>
{summary}
{pictures}
<h2>Why was it refused?</h2>
<p>A request for {gb} GB on an SSD, where <code>least_utilised</code> decided:</p>
<pre>{denial}</pre>
<p>Where <code>closest_capacity</code> decided: {archive}.</p>
<h2>The service</h2>
<pre>{service}</pre>
</body>
</html>
"""
