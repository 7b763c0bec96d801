"""What is told of many runs: plain data, the rows of a table, a chart."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from apportion import view
from apportion._errors import RequestError

from .data import Reference, Workload
from .run import Outcome
from .study import MEASURES, Mean, as_plain, means

__all__ = ["HEADER", "as_dict", "chart", "check_chart", "rows", "summary", "write_chart"]

HEADER = ("pods", "policy", "measure", "arrived", "mean", "s", "published", "difference", "tolerance", "inside")
"""Of a table: `s` is the standard deviation of single runs."""

_TITLES = {"allocation": "GPUs allocated, %", "fragmentation": "idle GPUs of no use, %"}


def summary(workload: Workload, load: float, seeds: Sequence[int]) -> str:
    """Give the line above the table, of one list.

    Parameters
    ----------
    workload : Workload
    load : float
    seeds : sequence of int

    Returns
    -------
    str
    """
    return (
        f"{workload.name} ({workload.source}): {len(workload.pods.name):,} pods on {len(workload.nodes.name):,} nodes "
        f"with {workload.capacity // 1000:,} GPUs; arrivals up to {load:.0%} of the GPUs, "
        f"seeds {seeds[0]} to {seeds[-1]}"
    )


def rows(found: Iterable[Mean]) -> list[tuple[str, ...]]:
    """Give the rows of a table below `HEADER`.

    Parameters
    ----------
    found : iterable of Mean

    Returns
    -------
    list of tuple of str

    Examples
    --------
    >>> rows([Mean("default", "fgd", "allocation", 100, 95.2, 0.1, 3, published=95.1, tolerance=0.5)])
    [('default', 'fgd', 'allocation', '100 %', '95.20 %', '0.10', '95.10 %', '+0.10', '0.50', 'yes')]
    """
    return [
        (
            each.pods,
            each.policy,
            each.measure,
            f"{each.percent} %",
            f"{each.mean:.2f} %",
            _number(each.deviation, ".2f"),
            _number(each.published, ".2f", " %"),
            _number(each.difference, "+.2f"),
            _number(each.tolerance, ".2f"),
            "-" if each.inside is None else "yes" if each.inside else "no",
        )
        for each in found
    ]


def _number(value: float | None, form: str, unit: str = "") -> str:
    return "-" if value is None or math.isnan(value) else f"{value:{form}}{unit}"


def as_dict(
    workloads: Iterable[Workload], load: float, outcomes: Iterable[Outcome], found: Iterable[Mean]
) -> dict[str, Any]:
    """Give everything as plain data.

    Parameters
    ----------
    workloads : iterable of Workload
    load : float
    outcomes : iterable of Outcome
    found : iterable of Mean

    Returns
    -------
    dict
        ``load``; ``workloads``; ``runs``, with both curves by whole percents of arrived load; ``means``.
    """
    return {
        "load": load,
        "workloads": [
            {
                "pods": each.name,
                "source": each.source,
                "listed": len(each.pods.name),
                "nodes": len(each.nodes.name),
                "gpus": each.capacity // 1000,
            }
            for each in workloads
        ],
        "runs": [{**as_plain(each), "decisions_per_second": round(each.decisions_per_second, 1)} for each in outcomes],
        "means": [_plain_mean(each) for each in found],
    }


def _plain_mean(mean: Mean) -> dict[str, Any]:
    names = ("pods", "policy", "measure", "percent", "mean", "deviation", "seeds")
    more = ("published", "difference", "tolerance", "inside")
    plain = {name: getattr(mean, name) for name in names + more}
    plain["deviation"] = None if math.isnan(mean.deviation) else mean.deviation
    return plain


def chart(outcomes: Sequence[Outcome], references: Mapping[str, Mapping[tuple[str, str], Reference]]) -> Any:
    """Draw both measures against arrived load: a line per policy, and dots for what was published.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Of at most seven policies.
    references : mapping of str to mapping
        By list, what `published` gives.

    Returns
    -------
    altair.Chart
        A panel per list and measure.

    Raises
    ------
    MissingExtra
        Without Altair.
    """
    lines: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for mean in means(outcomes, references):
        if mean.percent:
            panel = lines.setdefault(f"{mean.pods}: {_TITLES[mean.measure]}", {})
            panel.setdefault(mean.policy, []).append((mean.percent, mean.mean))
    policies = list(dict.fromkeys(outcome.policy for outcome in outcomes))
    dots = {
        f"{pods}: {_TITLES[measure]}": {
            policy: [(float(x), float(y)) for x, y in zip(*known[policy, measure][:2], strict=True)]
            for policy in policies
            if (policy, measure) in known
        }
        for pods, known in references.items()
        for measure in MEASURES
    }
    return view.curves(lines, "arrived, % of all GPUs", dots)


def check_chart(path: Path) -> None:
    """Refuse a file that no chart can be written to, before the work.

    Raises
    ------
    RequestError
        When it does not end in ``.svg`` or ``.html``, or its folder is not there.
    MissingExtra
        Without Altair.
    """
    if path.suffix not in (".svg", ".html"):
        raise RequestError(f"{path}: a chart is a file that ends in .svg or .html")
    if not path.parent.is_dir():
        raise RequestError(f"{path}: there is no folder {path.parent}")
    view.svg(view.fits({}, [1], ""))


def write_chart(drawn: Any, path: Path, title: str, found: Iterable[Mean]) -> None:
    """Write a chart: the picture alone as ``.svg``, or as ``.html`` with the table, which fetches nothing.

    Parameters
    ----------
    drawn : altair.Chart
    path : Path
    title : str
        Stands above the picture of a page.
    found : iterable of Mean
        For the table of a page.
    """
    picture = view.svg(drawn)
    if path.suffix == ".html":
        head = "".join(f"<th>{name}</th>" for name in HEADER)
        cells = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows(found))
        body = "".join(f"<tr>{row}</tr>" for row in cells)
        picture = _PAGE.format(title=html.escape(title), picture=picture, head=head, body=body)
    path.write_text(picture, encoding="utf-8")


_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Which policy wastes least?</title>
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}
table {{ border-collapse: collapse; font-size: 0.8rem; }}
td, th {{ padding: 0.1rem 0.8rem 0.1rem 0; border-bottom: 1px solid #ddd; text-align: left; }}
</style>
</head>
<body>
<h1>Which policy wastes least?</h1>
<p>{title}. Lines: mean over the seeds; dots: published.</p>
{picture}
<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>
</body>
</html>
"""
