"""Sweeps: one policy with many values of its constants, each beside a policy that stays."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from itertools import product
from typing import Any

import numpy as np

from apportion._errors import RequestError

from .data import Workload
from .policies import Policy
from .run import LOAD, Outcome
from .study import runs

__all__ = ["Variant", "as_dict", "header", "rows", "settings_of", "sweep", "variants"]

Progress = Callable[[int], object]
"""Called with the number of runs that were finished since the last call."""


@dataclass(frozen=True)
class Variant:
    """What came of one choice of constants.

    Attributes
    ----------
    policy : str
    constants : dict of str to number or str
    gains : dict of str to float
        By list: allocation minus that of the policy that stays, in percentage points, the mean over equal seeds.
    allocations : dict of str to float
        By list: the mean allocation in percent.
    """

    policy: str
    constants: Mapping[str, Any]
    gains: Mapping[str, float]
    allocations: Mapping[str, float]

    @property
    def mean(self) -> float:
        """The mean gain over the lists."""
        return float(np.mean(list(self.gains.values())))

    @property
    def worst(self) -> float:
        """The least gain among the lists."""
        return min(self.gains.values())


def settings_of(texts: Iterable[str]) -> dict[str, list[Any]]:
    """Read settings such as ``weight=0.1,0.2``.

    Parameters
    ----------
    texts : iterable of str

    Returns
    -------
    dict of str to list
        Numbers, exactly as written, where a value is one; else text.

    Raises
    ------
    RequestError
        When one is not of this form, or a name stands twice.

    Examples
    --------
    >>> settings_of(["weight=0.1,0.2", "ties=lowest_id"])
    {'weight': [Decimal('0.1'), Decimal('0.2')], 'ties': ['lowest_id']}
    """
    settings: dict[str, list[Any]] = {}
    for text in texts:
        name, equals, values = (part.strip() for part in text.partition("="))
        found = [_value(each.strip()) for each in values.split(",") if each.strip()]
        if not (name and equals and found):
            raise RequestError(f"{text!r} is not NAME=VALUE,VALUE, such as strand_weight=0.1,0.2")
        if name in settings:
            raise RequestError(f"{name!r} is set twice: give all its values with commas between")
        settings[name] = found
    return settings


def _value(text: str) -> Any:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return number if number.is_finite() else text


def variants(policy: Policy, settings: Mapping[str, Sequence[Any]]) -> list[Policy]:
    """Give a policy once per choice of values.

    Parameters
    ----------
    policy : Policy
    settings : mapping of str to sequence
        The values of each constant.

    Returns
    -------
    list of Policy
        Every combination, the last constant changing fastest. Their titles end in the values.

    Raises
    ------
    UnknownName
        When the policy has no such constant.

    Examples
    --------
    >>> from apportion.simulate import openb
    >>> found = variants(openb.policies_in()["fgd_unstranded"], {"score_step": [5, 10]})
    >>> [each.title for each in found]
    ['fgd_unstranded score_step=5', 'fgd_unstranded score_step=10']
    """
    found = []
    for values in product(*settings.values()):
        chosen = dict(zip(settings, values, strict=True))
        label = " ".join([policy.name, *(f"{name}={value}" for name, value in chosen.items())])
        found.append(replace(policy.with_constants(chosen), label=label))
    return found


def sweep(
    workloads: Sequence[Workload],
    policies: Sequence[Policy],
    against: Policy,
    seeds: Sequence[int],
    *,
    percent: int = 100,
    load: float = LOAD,
    jobs: int = 1,
    keep: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> list[Variant]:
    """Run policies on equal arrivals, and rank them by what they allocate more than one that stays.

    Parameters
    ----------
    workloads : sequence of Workload
    policies : sequence of Policy
        As `variants` gives them.
    against : Policy
        The one that stays.
    seeds : sequence of int
    percent : int, default 100
        Of arrived load, at which allocation is compared.
    load, jobs, keep, progress
        As of `runs`. There are lists x (policies + 1) x seeds runs.

    Returns
    -------
    list of Variant
        The best mean gain first.

    Raises
    ------
    RequestError
        When nothing arrived near that percent, or a policy does not fit.
    """
    if not 0 < percent <= round(100 * load):
        raise RequestError(f"allocation at {percent} % of arrived load; arrivals end at {100 * load:.0f} %")
    outcomes = runs(workloads, [against, *policies], seeds, load=load, jobs=jobs, keep=keep, progress=progress)
    found: dict[tuple[str, str], list[float]] = {}
    for outcome in outcomes:
        found.setdefault((outcome.pods, outcome.policy), []).append(_at(outcome, percent))
    return sorted(
        (_variant(each, against, [workload.name for workload in workloads], found) for each in policies),
        key=lambda variant: -variant.mean,
    )


def _at(outcome: Outcome, percent: int) -> float:
    curve = outcome.curves.allocation
    if percent >= len(curve) or np.isnan(curve[percent]):
        raise RequestError(f"{outcome.pods}, seed {outcome.seed}: nothing arrived near {percent} % of all GPUs")
    return float(curve[percent])


def _variant(policy: Policy, against: Policy, lists: Sequence[str], found: Mapping[Any, list[float]]) -> Variant:
    own = {pods: np.array(found[pods, policy.title]) for pods in lists}
    gains = {pods: float((own[pods] - found[pods, against.title]).mean()) for pods in lists}
    return Variant(policy.name, policy.constants, gains, {pods: float(each.mean()) for pods, each in own.items()})


def header(found: Sequence[Variant], names: Sequence[str]) -> tuple[str, ...]:
    """Give the head of a table: the policy, the constants that were set, the lists, the mean and the worst gain."""
    return ("policy", *names, *found[0].gains, "mean", "worst")


def rows(found: Iterable[Variant], names: Sequence[str]) -> list[tuple[str, ...]]:
    """Give the rows of a table below `header`: gains in percentage points.

    Examples
    --------
    >>> rows([Variant("mine", {"weight": 0.5}, {"default": 0.5, "cpu250": -0.25}, {})], ["weight"])
    [('mine', '0.5', '+0.50', '-0.25', '+0.12', '-0.25')]
    """
    return [
        (
            each.policy,
            *(str(each.constants[name]) if name in each.constants else "-" for name in names),
            *(f"{gain:+.2f}" for gain in each.gains.values()),
            f"{each.mean:+.2f}",
            f"{each.worst:+.2f}",
        )
        for each in found
    ]


def as_dict(found: Iterable[Variant], against: Policy, percent: int, seeds: Sequence[int]) -> dict[str, Any]:
    """Give a sweep as plain data: ``against``, ``percent``, ``seeds``, and ``variants``, the best first."""
    return {
        "against": against.title,
        "percent": percent,
        "seeds": list(seeds),
        "variants": [
            {
                "policy": each.policy,
                "constants": {name: _plain(value) for name, value in each.constants.items()},
                "allocation": dict(each.allocations),
                "gain": dict(each.gains),
                "mean_gain": each.mean,
                "worst_gain": each.worst,
            }
            for each in found
        ],
    }


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
