"""Policies of the simulation, as documents: `policies.toml` of this package, or a file of your own in its form.

A file has tables of policies as any document, and two more. ``[constants]``: their names stand in texts as ``$name``.
``[gpus]`` says for policies by name which GPU of the node a pod gets that wants a part of one: ``together``, by the
score of the node itself, or the name of a policy for GPUs. Default is the tightest.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from apportion import metadata
from apportion._errors import RequestError, UnknownName

from .data import GPU_MILLI, Workload

__all__ = ["Policy", "SHIPPED", "Typical", "document", "policies_in", "scarcity", "type_of", "typical"]

SHIPPED = Path(__file__).with_name("policies.toml")
"""The file of the policies that come with the package."""

_TIGHTEST = "tightest"
_SHARE = 0.95  # of the pods that typical ones stand for
_MILLICORES = "millicores_per_milli"


class Typical(NamedTuple):
    """Kinds of pods that stand for a list, the most frequent first: columns, and a matrix of who may have what."""

    pods: NDArray[np.int64]
    """How many of the list are of this kind."""
    millicores: NDArray[np.int64]
    gpus: NDArray[np.int64]
    milli: NDArray[np.int64]
    models: list[tuple[str, ...]]
    """Allowed models; empty: any."""


@dataclass(frozen=True)
class Policy:
    """A policy of a file, before anything is known of the list of pods.

    Attributes
    ----------
    name : str
    definition : dict
        As in a document, with ``$names``.
    gpus : str
        ``"together"``, or the policy that gives GPUs to pods that want a part of one.
    constants : dict
        What ``$names`` stand for, besides what the list of pods says.
    others : dict
        The policies of the file, by name: `gpus` may be one of them.
    file : Path or None
        Where it stands, for messages.
    label : str
        What tables call it; the name where it is empty.
    """

    name: str
    definition: Mapping[str, Any]
    gpus: str = _TIGHTEST
    constants: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[str, Any] = field(default_factory=dict)
    file: Path | None = None
    label: str = ""

    @property
    def title(self) -> str:
        """What tables call it: the label, else the name."""
        return self.label or self.name

    def with_constants(self, values: Mapping[str, Any]) -> Policy:
        """Give the same with other values of constants that it has.

        Raises
        ------
        UnknownName
            When it has no such constant.
        """
        for name in values:
            if name not in self.constants:
                there = ", ".join(self.constants) or "none"
                raise UnknownName(f"policy {self.name!r} has no constant {name!r}; there are {there}")
        return replace(self, constants={**self.constants, **values})


def policies_in(path: str | os.PathLike[str] = SHIPPED) -> dict[str, Policy]:
    """Read the policies of a file.

    Parameters
    ----------
    path : path, default `SHIPPED`

    Returns
    -------
    dict of str to Policy

    Raises
    ------
    DocumentError, OSError
        When it cannot be read.
    RequestError
        When it defines no policy, or one of its own two tables is no table, or names what is not there.

    Examples
    --------
    >>> list(policies_in())[:3]
    ['random', 'best_fit', 'dot_product']
    """
    name = Path(path).name
    tree = metadata.read(Path(path))
    tables = {key: tree.get(key, {}) for key in ("policies", "constants", "gpus")}
    for key, table in tables.items():
        if not isinstance(table, Mapping):
            raise RequestError(f"{name}: {key} is a table, found {table!r}")
    defined, constants, gpus = tables.values()
    if not defined:
        raise RequestError(f"{name} defines no policy: write [policies.NAME] with a score")
    for policy in gpus:
        if policy not in defined:
            raise RequestError(f"{name}: gpus.{policy}: there is no such policy; there are {', '.join(defined)}")
    found = {}
    for policy, definition in defined.items():
        given = gpus.get(policy, _TIGHTEST)
        used = _used([definition, defined.get(given)], constants)
        found[policy] = Policy(policy, definition, given, used, others=defined, file=Path(path))
    return found


def _used(definitions: Any, constants: Mapping[str, Any]) -> dict[str, Any]:
    """Give those constants that definitions name."""
    text = json.dumps(definitions, default=str)
    return {name: value for name, value in constants.items() if re.search(rf"\$\{{?{name}\b", text)}


def typical(workload: Workload) -> Typical:
    """Give the kinds of pods that 95 % of a list are of: equal cores, GPUs and allowed models, whatever the memory.

    Parameters
    ----------
    workload : Workload

    Returns
    -------
    Typical
        By falling count, of equal counts the larger kind first; the kind that reaches 95 % is the last.
    """
    pods = workload.pods
    counts: dict[tuple[int, int, int, str], int] = {}
    for cores, milli, gpus, models in zip(
        pods.millicores.tolist(), pods.milli.tolist(), pods.gpus.tolist(), pods.models, strict=True
    ):
        kind = (cores, milli, gpus, "|".join(models))
        counts[kind] = counts.get(kind, 0) + 1
    ordered = sorted(counts.items(), key=lambda each: (each[1], each[0]), reverse=True)
    before = np.cumsum([0] + [count for _, count in ordered])[:-1]
    kept = ordered[: int(np.count_nonzero(before < _SHARE * len(pods.name)))]
    counted, cores, gpus, milli = np.array([(n, c, g, m) for (c, m, g, _), n in kept], np.int64).T
    return Typical(counted, cores, gpus, milli, [tuple(filter(None, text.split("|"))) for (*_, text), _ in kept])


def scarcity(workload: Workload) -> dict[str, float]:
    """Say how much of each model is asked for by pods that may not have any model.

    Parameters
    ----------
    workload : Workload

    Returns
    -------
    dict of str to float
        Per model: the sum, over sets of allowed models that it belongs to, of GPUs asked for / GPUs of those models.
    """
    nodes, pods = workload.nodes, workload.pods
    there = dict.fromkeys(nodes.model, 0)
    for model, gpus in zip(nodes.model, nodes.gpus.tolist(), strict=True):
        there[model] += gpus * GPU_MILLI
    asked: dict[tuple[str, ...], int] = {}
    for models, milli in zip(pods.models, workload.asked.tolist(), strict=True):
        if models:
            asked[models] = asked.get(models, 0) + milli
    scarce = dict.fromkeys(sorted(there), 0.0)
    for models, milli in sorted(asked.items()):
        capacity = sum(there.get(model, 0) for model in models)
        for model in set(models) & set(scarce):
            scarce[model] += milli / capacity
    return {model: round(value, 6) for model, value in scarce.items()}


def type_of(models: tuple[str, ...]) -> str:
    """Name the type of pods that may have these models.

    Examples
    --------
    >>> type_of(()), type_of(("V100M16", "V100M32"))
    ('pod', 'pod_v100m16_v100m32')
    """
    return "_".join(["pod", *(re.sub(r"\W", "_", model.lower()) for model in models)])


def _fragmentation(workload: Workload) -> dict[str, Any]:
    """Give the table of a policy that reads `fragmentation`, with the typical pods as its profile."""
    profile = []
    for count, cores, gpus, milli, models in zip(*typical(workload), strict=True):
        entry: dict[str, Any] = {"weight": int(count), "millicores": int(cores)}
        if gpus:
            entry |= {"part": int(milli), "count": int(gpus)}
        if models:
            entry["where"] = _allowed(models)
        profile.append(entry)
    return {"parts": "gpu", "dimension": "milli", "profile": profile}


def _allowed(models: tuple[str, ...]) -> str:
    return f"self.model in [{', '.join(json.dumps(model) for model in models)}]"


def _facts(workload: Workload, seed: int) -> dict[str, Any]:
    wants = workload.pods.gpus > 0
    ratio = workload.pods.millicores[wants].sum() / workload.asked.sum()
    return {_MILLICORES: round(float(ratio), 6), "seed": seed, "typical_pods": _fragmentation(workload)}


def _filled(value: Any, values: Mapping[str, Any], place: str) -> Any:
    """Put values for ``$names``; a text that is nothing but a name becomes the value itself."""
    if isinstance(value, Mapping):
        return {key: _filled(each, values, f"{place}.{key}") for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, values, place) for each in value]
    if not isinstance(value, str):
        return value
    whole = re.fullmatch(r"\$\{?(\w+)\}?", value)
    if whole and whole[1] in values:
        return values[whole[1]]
    try:
        return Template(value).substitute(
            {name: each for name, each in values.items() if not isinstance(each, Mapping)}
        )
    except (KeyError, ValueError) as error:
        known = ", ".join(sorted(values))
        raise RequestError(f"{place}: {error} is no constant; there are {known}. Write $$ for a dollar") from error


def document(workload: Workload, policy: Policy, seed: int = 0) -> dict[str, Any]:
    """Give everything that a pool has to know: types of nodes, GPUs and pods, kinds of pods, and the policy.

    Parameters
    ----------
    workload : Workload
    policy : Policy
    seed : int, default 0
        What ``$seed`` stands for.

    Returns
    -------
    dict
        A document, as `Pool.apply` takes it.

    Raises
    ------
    RequestError
        When the policy has a ``$name`` that nothing says.

    Examples
    --------
    >>> from apportion.simulate import openb
    >>> made = document(openb.synthetic(20), policies_in()["fgd"])
    >>> sorted(made), sorted(made["types"])[:3]
    (['consumer_kinds', 'policies', 'types'], ['gpu', 'node', 'pod'])
    """
    values = {**_facts(workload, seed), **policy.constants}
    needed = {policy.name: policy.definition, _TIGHTEST: {"score": "free.milli"}}
    if policy.gpus in policy.others:
        needed[policy.gpus] = policy.others[policy.gpus]
    policies = {name: _filled(each, values, f"policies.{name}") for name, each in needed.items()}
    counted = {"step": 1}
    types: dict[str, Any] = {
        "node": {
            "dimensions": {"millicores": counted, "mib": {"unit": "MiB", **counted}},
            "fields": {"model": {"kind": "string"}, "scarcity": {"kind": "number", "default": 0}},
            "policy": policy.name,
        },
        "gpu": {"dimensions": {"milli": counted}, "policy": "first"},
    }
    for models in sorted(set(workload.pods.models)):
        types[type_of(models)] = _pod_type(models, policy.gpus)
    kinds = sorted(set(workload.kinds) - {""})
    return {"consumer_kinds": {kind: {} for kind in kinds}, "policies": policies, "types": types}


def _pod_type(models: tuple[str, ...], gpus: str) -> dict[str, Any]:
    node = {"type": "node", "millicores": "request.millicores", "mib": "request.mib"}
    if models:
        node["require"] = _allowed(models)
    gpu = {"type": "gpu", "on": "node", "milli": "request.milli", "count": "request.gpus", "policy": gpus}
    return {"dimensions": {name: {"step": 1} for name in ("millicores", "mib", "milli", "gpus")}, "needs": [node, gpu]}
