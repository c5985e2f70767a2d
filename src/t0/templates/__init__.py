"""The template language of prompts: MiniJinja 2.19, as the reference embeds it."""

from t0.templates.environment import Environment

__all__ = ["Environment"]
