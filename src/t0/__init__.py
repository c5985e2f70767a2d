"""t0: an LLM gateway, and the learning loop around it."""

from t0.version import VERSION as __version__

__all__ = ["__version__"]
