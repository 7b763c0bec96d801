"""Many runs: every list, policy and seed, on all cores, kept in a file so that none is done twice; and their means."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from apportion._core import __version__
from apportion.simulate.batch import run_all

from .curves import Curves
from .data import Reference, Workload
from .policies import Policy, document
from .run import LOAD, Outcome, run

__all__ = ["MEASURES", "Mean", "as_plain", "fingerprint", "from_plain", "means", "runs", "tolerance"]

MEASURES = ("allocation", "fragmentation")
"""The two curves of a run."""

Progress = Callable[[int], object]
"""Called with the number of runs that were finished since the last call."""


@dataclass(frozen=True)
class Mean:
    """The mean of a measure over the seeds, beside what was published.

    Attributes
    ----------
    pods, policy, measure : str
    percent : int
        Of all GPUs, that has arrived.
    mean : float
        In percent.
    deviation : float
        Of single runs, in percentage points; NaN for a single seed.
    seeds : int
        How many runs have a value there.
    published, tolerance : float or None
        None where nothing was published. A mean is inside when it differs by no more than the tolerance.
    """

    pods: str
    policy: str
    measure: str
    percent: int
    mean: float
    deviation: float
    seeds: int
    published: float | None = None
    tolerance: float | None = None

    @property
    def difference(self) -> float | None:
        """From what was published, in percentage points."""
        return None if self.published is None else self.mean - self.published

    @property
    def inside(self) -> bool | None:
        """True when what was published lies within the tolerance."""
        if self.published is None or self.tolerance is None:
            return None
        return abs(self.mean - self.published) <= self.tolerance


def tolerance(deviation: float, published_seeds: int, seeds: int) -> float:
    """Say by how much two means may differ.

    ``0.3 + 3 s sqrt(1/n + 1/N)`` percentage points: three standard errors of the difference of two means of n and N
    runs with standard deviation s, and 0.3 for what rounding and other random numbers do.

    Parameters
    ----------
    deviation : float
        The published standard deviation s of single runs.
    published_seeds, seeds : int
        n and N.

    Returns
    -------
    float

    Examples
    --------
    >>> round(tolerance(0.2, 10, 10), 3)
    0.568
    """
    return 0.3 + 3 * deviation * math.sqrt(1 / published_seeds + 1 / seeds)


def fingerprint(workload: Workload, policy: Policy, seed: int, load: float = LOAD) -> str:
    """Name a run by everything that decides its outcome.

    Parameters
    ----------
    workload : Workload
    policy : Policy
    seed : int
    load : float, default 1.3

    Returns
    -------
    str
        The list, the policy, the seed, and a digest of the program's version, load, nodes, pods and document.
    """
    digest = hashlib.sha256(json.dumps([__version__, load, document(workload, policy, seed)], default=str).encode())
    for columns in (workload.nodes, workload.pods):
        for column in columns:
            digest.update(json.dumps(column.tolist() if isinstance(column, np.ndarray) else column).encode())
    return f"{workload.name} {policy.title} {seed} {digest.hexdigest()[:16]}"


def as_plain(outcome: Outcome) -> dict[str, Any]:
    """Give an outcome as plain data, with None where a curve has no value."""
    plain: dict[str, Any] = {
        name: getattr(outcome, name) for name in ("pods", "policy", "seed", "placed", "denied", "seconds")
    }
    for name in MEASURES:
        plain[name] = [None if math.isnan(each) else round(each, 4) for each in getattr(outcome.curves, name).tolist()]
    return plain


def from_plain(plain: Mapping[str, Any]) -> Outcome:
    """Give the outcome of `as_plain` again."""
    curves = (np.array([math.nan if each is None else each for each in plain[name]]) for name in MEASURES)
    names = ("pods", "policy", "seed", "placed", "denied")
    return Outcome(**{name: plain[name] for name in names}, curves=Curves(*curves), seconds=plain["seconds"])


def _one(workload: Workload, policy: Policy, seed: int, load: float) -> dict[str, Any]:
    return as_plain(run(workload, policy, seed, load))


def runs(
    workloads: Iterable[Workload],
    policies: Sequence[Policy],
    seeds: Iterable[int],
    *,
    load: float = LOAD,
    jobs: int = 1,
    keep: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Run every policy on every list with every seed.

    Parameters
    ----------
    workloads : iterable of Workload
    policies : sequence of Policy
    seeds : iterable of int
        Equal seeds give all policies the same arrivals.
    load : float, default 1.3
    jobs : int, default 1
        So many processes; 0: one per core.
    keep : path, optional
        A file that gets a line for each finished run; runs that are in it are not done again.
    progress : callable, optional

    Returns
    -------
    list of Outcome
        By workloads, policies, seeds.

    Raises
    ------
    MissingExtra
        With more than one process and without joblib.
    RequestError, DocumentError
        When a policy does not fit, or the file of kept runs is something else.
    """
    tasks = {
        fingerprint(workload, policy, seed, load): (workload, policy, seed, load)
        for workload in workloads
        for policy in policies
        for seed in seeds
    }
    done = run_all(_one, tasks, jobs=jobs, keep=keep, progress=progress)
    return [from_plain(done[key]) for key in tasks]


def means(
    outcomes: Iterable[Outcome],
    references: Mapping[str, Mapping[tuple[str, str], Reference]],
    percents: Sequence[int] | None = None,
) -> list[Mean]:
    """Take the mean over the seeds, and put what was published beside it.

    Parameters
    ----------
    outcomes : iterable of Outcome
    references : mapping of str to mapping
        By list, what `published` gives.
    percents : sequence of int, optional
        Of arrived load; default every whole percent.

    Returns
    -------
    list of Mean
        By list and policy in the order of the outcomes, then by measure, then by percent. Where no run has a value
        there is no mean.
    """
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.pods, outcome.policy), []).append(outcome)
    return [
        mean
        for (pods, policy), group in groups.items()
        for measure in MEASURES
        for mean in _means(group, measure, references.get(pods, {}).get((policy, measure)), percents)
    ]


def _means(
    group: Sequence[Outcome], measure: str, reference: Reference | None, percents: Sequence[int] | None
) -> Iterable[Mean]:
    curves = [getattr(outcome.curves, measure) for outcome in group]
    longest = max(map(len, curves))
    values = np.array([np.pad(each, (0, longest - len(each)), constant_values=math.nan) for each in curves])
    points = {} if reference is None else {int(x): at for at, x in enumerate(reference.percent)}
    for percent in range(longest) if percents is None else percents:
        there = values[:, percent][~np.isnan(values[:, percent])] if percent < longest else np.empty(0)
        if not len(there):
            continue
        deviation = float(there.std(ddof=1)) if len(there) > 1 else math.nan
        published = spread = None
        if reference is not None and percent in points:
            published = float(reference.mean[points[percent]])
            spread = tolerance(float(reference.deviation[points[percent]]), reference.seeds, len(there))
        yield Mean(
            group[0].pods,
            group[0].policy,
            measure,
            percent,
            float(there.mean()),
            deviation,
            len(there),
            published,
            spread,
        )
