"""Warnings about what a provider will not be sent: logged once per process and text, so that traffic cannot flood."""

import logging

_log = logging.getLogger("t0")
_seen: set[str] = set()

MOST = 1000
"""How many texts are remembered, since requests have a part in some; what is new beyond them is not logged."""


def warn_once(text: str) -> None:
    """Logs `text` as a warning, the first time only."""
    if text not in _seen and len(_seen) < MOST:
        _seen.add(text)
        _log.warning(text)


def unsupported_parameter(label: str, parameter: str, *, tip: str = "") -> None:
    warn_once(
        f"{label} does not support the inference parameter `{parameter}`, so it will be ignored.{tip and ' ' + tip}"
    )
