"""Pictures of what a pool holds. They need the extra ``view``: ``pip install 'apportion[view]'``."""

from .charts import curves, fits, svg, utilisation

__all__ = ["curves", "fits", "svg", "utilisation"]
