"""Pictures of what a pool holds. They need the extra ``view``: ``pip install 'apportion[view]'``."""

from .charts import fits, svg, utilisation

__all__ = ["fits", "svg", "utilisation"]
