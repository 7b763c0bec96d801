"""Charts with Altair: each function takes plain numbers per series and gives a chart; `svg` makes text of it.

A missing extra is answered with the line that installs it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from apportion._errors import MissingExtra

__all__ = ["curves", "fits", "svg", "utilisation"]

_BINS = 20
_COLOURS = ("#1b6ca8", "#d9822b", "#4b8f4b", "#8a5aa8", "#a83b3b", "#5f6b76", "#b8a032")
_WIDTH, _HEIGHT = 620, 150

Points = Sequence[tuple[float, float]]
"""Of a line."""


def _need(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra("view", "charts") from error


def _colour(alt: Any, series: Sequence[str], legend: bool) -> Any:
    scale = alt.Scale(domain=list(series), range=list(_COLOURS[: len(series)]))
    return alt.Color("series:N", scale=scale, legend=alt.Legend(title=None, orient="top") if legend else None)


def utilisation(series: Mapping[str, Sequence[float]], noun: str = "instances") -> Any:
    """Draw how many instances are how full: one histogram per series, below each other, on one scale.

    Parameters
    ----------
    series : mapping of str to sequence of float
        Per name the utilisations, in [0, 1]; at most seven names.
    noun : str, default "instances"
        What is counted.

    Returns
    -------
    altair.Chart

    Raises
    ------
    MissingExtra
        Without Altair.
    """
    alt = _need("altair")
    data = [
        {"series": name, "from": k / _BINS, "to": (k + 1) / _BINS, "count": count}
        for name, values in series.items()
        for k, count in enumerate(_histogram(values))
    ]
    bars = alt.Chart(alt.Data(values=data), width=_WIDTH, height=_HEIGHT).mark_bar(stroke="white")
    x = alt.X("from:Q", title="used / limit", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])).bin("binned")
    row = alt.Row("series:N", title=None, sort=list(series), header=alt.Header(labelAngle=0, labelOrient="top"))
    return bars.encode(
        x=x, x2="to:Q", y=alt.Y("count:Q", title=noun), color=_colour(alt, list(series), legend=False), row=row
    )


def fits(series: Mapping[str, Sequence[float]], sizes: Sequence[float], unit: str, noun: str = "requests") -> Any:
    """Draw how many more requests fit, by their size: a line per series.

    Parameters
    ----------
    series : mapping of str to sequence of float
        Per name what is free on each instance, in `unit`; at most seven names.
    sizes : sequence of float
        Sizes of a request, in `unit`, above 0.
    unit : str
    noun : str, default "requests"
        What is counted.

    Returns
    -------
    altair.Chart

    Raises
    ------
    MissingExtra
        Without Altair.
    """
    alt = _need("altair")
    data = [
        {"series": name, "size": size, "count": sum(int(each / size) for each in free)}
        for name, free in series.items()
        for size in sizes
    ]
    lines = alt.Chart(alt.Data(values=data), width=_WIDTH, height=1.5 * _HEIGHT).mark_line(point=True)
    y = alt.Y("count:Q", title=f"{noun} that still fit", scale=alt.Scale(type="symlog"))
    x = alt.X("size:Q", title=f"size in {unit}")
    return lines.encode(x=x, y=y, color=_colour(alt, list(series), legend=True))


def curves(
    panels: Mapping[str, Mapping[str, Points]], title: str, dots: Mapping[str, Mapping[str, Points]] | None = None
) -> Any:
    """Draw lines over one axis, in panels below each other, each with a scale of its own.

    Parameters
    ----------
    panels : mapping of str to mapping of str to sequence of (float, float)
        Per title of a panel and per name of a series the points of its line; at most seven names.
    title : str
        Of the axis.
    dots : mapping of the same form, optional
        What is drawn beside the lines as dots, of series of the same names.

    Returns
    -------
    altair.Chart

    Raises
    ------
    MissingExtra
        Without Altair.
    """
    alt = _need("altair")
    series = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    data = [
        {"panel": panel, "series": name, "dot": dot, "x": x, "y": y}
        for dot, drawn in ((False, panels), (True, dots or {}))
        for panel, lines in drawn.items()
        for name, points in lines.items()
        for x, y in points
    ]
    x = alt.X("x:Q", title=title, scale=alt.Scale(nice=False))
    y = alt.Y("y:Q", title=None, scale=alt.Scale(zero=False))
    base = alt.Chart(width=_WIDTH, height=1.5 * _HEIGHT).encode(x=x, y=y, color=_colour(alt, series, legend=True))
    layers = alt.layer(
        base.mark_line(clip=True).transform_filter("!datum.dot"),
        base.mark_circle(size=26, clip=True).transform_filter("datum.dot"),
        data=alt.Data(values=data),
    )
    row = alt.Row("panel:N", title=None, sort=list(panels), header=alt.Header(labelAngle=0, labelOrient="top"))
    return layers.facet(row=row).resolve_scale(y="independent")


def svg(chart: Any) -> str:
    """Make SVG text of a chart, without a browser and without the network.

    Parameters
    ----------
    chart : altair.Chart

    Returns
    -------
    str
        One ``<svg>`` element, to be put into HTML as it is.

    Raises
    ------
    MissingExtra
        Without vl-convert.
    """
    text: str = _need("vl_convert").vegalite_to_svg(chart.to_dict())
    return text


def _histogram(values: Sequence[float]) -> list[int]:
    counts = [0] * _BINS
    for value in values:
        counts[min(int(value * _BINS), _BINS - 1)] += 1
    return counts
