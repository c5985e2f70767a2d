"""The stored form of a configuration: what every inference's `snapshot_hash` refers to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import tomli_w
from blake3 import blake3

from t0.config.schema import Config
from t0.config.values import SourceFile, join


class Snapshot(NamedTuple):
    """Canonical TOML with the configuration's files inside, the templates that includes reach, and the hash of both.

    `hash` is the decimal text of a 256-bit number. Credentials appear as their locations only.
    """

    toml: str
    extra_templates: dict[str, str]
    hash: str


def snapshot(config: Config, extra_templates: Mapping[str, str]) -> Snapshot:
    """The snapshot of a loaded configuration. `extra_templates` are the included files by name."""
    toml = tomli_w.dumps(_canonical(config.source.tree, "", config.source.secrets))
    templates = dict(sorted(extra_templates.items()))
    return Snapshot(toml, templates, _hash(toml, templates))


def _canonical(value: Any, path: str, secrets: frozenset[str]) -> Any:
    """Tables sorted at every level, files replaced by their name and text."""
    if path in secrets:
        return "•••"
    if isinstance(value, Mapping):
        return {k: _canonical(value[k], join(path, k), secrets) for k in sorted(value)}
    if isinstance(value, list):
        return [_canonical(v, f"{path}[{i}]", secrets) for i, v in enumerate(value)]
    if isinstance(value, SourceFile):
        return {"__data": value.body, "__tensorzero_remapped_path": value.key}
    return value


def _hash(toml: str, templates: Mapping[str, str]) -> str:
    digest = blake3(toml.encode() + b"\0")
    for name, body in templates.items():
        digest.update(name.encode() + b"\0" + body.encode() + b"\0")
    return str(int.from_bytes(digest.digest(), "big"))
