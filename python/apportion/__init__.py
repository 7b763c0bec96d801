"""apportion decides who gets which resource, and can say why.

>>> import apportion as ap
>>> pool = ap.load({"types": {"disk": {"dimensions": {"gb": {}}}}})
>>> pool.add("d1", type="disk", capacity={"gb": 10})
>>> pool.allocate("disk", gb=4, consumer="ada")
Grant(ada: d1 gb=4)
"""

from . import _errors
from ._answers import Claim, Denial, Explanation, Grant, Repair
from ._core import __version__
from ._errors import (
    AllocationDenied,
    ApportionError,
    DocumentError,
    IdempotencyError,
    MissingExtra,
    Problem,
    RequestError,
    SnapshotError,
    StaleHandle,
    UnknownName,
)
from ._migration import Migrated
from ._tree import Tree
from .journal import Journal
from .maintenance import Maintenance
from .pool import Pool, Request, load
from .table import Table

__all__ = [
    "AllocationDenied",
    "ApportionError",
    "Claim",
    "Denial",
    "DocumentError",
    "Explanation",
    "Grant",
    "IdempotencyError",
    "Journal",
    "Maintenance",
    "Migrated",
    "MissingExtra",
    "Pool",
    "Problem",
    "Repair",
    "Request",
    "RequestError",
    "SnapshotError",
    "StaleHandle",
    "Table",
    "Tree",
    "UnknownName",
    "__version__",
    "load",
]

# People meet these names as apportion.StaleHandle: tracebacks and doctests show them so.
for _name in _errors.__all__:
    getattr(_errors, _name).__module__ = __name__
del _name
