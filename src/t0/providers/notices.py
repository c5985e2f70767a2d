"""Warnings about what a provider will not be sent: logged once per process and text, so that traffic cannot flood."""

import logging

_log = logging.getLogger("t0")
_seen: set[str] = set()


def warn_once(text: str) -> None:
    """Logs `text` as a warning, the first time only."""
    if text not in _seen:
        _seen.add(text)
        _log.warning(text)


def unsupported_parameter(label: str, parameter: str, *, tip: str = "") -> None:
    warn_once(
        f"{label} does not support the inference parameter `{parameter}`, so it will be ignored.{tip and ' ' + tip}"
    )
