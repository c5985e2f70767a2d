"""`load`: from the files on disk to the frozen configuration.

glob → read → merge → resolve paths → decode → check; the first error stops.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from t0.config import checks, files, paths
from t0.config.decode import Decoder, Kinds
from t0.config.schema import Config, Source
from t0.errors import ConfigError


class Checked(NamedTuple):
    """A valid configuration, and what of it t0 cannot do yet: key → reason."""

    config: Config
    not_yet: dict[str, str]


def load(glob: str | None, kinds: Kinds, env: Mapping[str, str]) -> Config:
    """The configuration in the files that match `glob`; the empty one for None.

    `env` answers which databases are configured. Raises `ConfigError`, also for keys that t0 does not support yet.
    """
    config, not_yet = check(glob, kinds, env)
    if not_yet:
        raise ConfigError("\n".join(f"{key}: {reason}" for key, reason in not_yet.items()))
    return config


def check(glob: str | None, kinds: Kinds, env: Mapping[str, str]) -> Checked:
    """As `load`, but tells what t0 does not support yet instead of refusing it."""
    found = files.find(glob) if glob is not None else []
    merged = files.read(found)
    decoder = Decoder(kinds)
    try:
        paths.resolve(merged)
        config: Config = decoder.decode(Config, merged.tree, "")
        source = Source(glob=glob, paths=tuple(found), tree=merged.tree, secrets=frozenset(decoder.secrets))
        config = msgspec.structs.replace(config, source=source)
        checks.run(config, kinds, env)
    except ConfigError as e:
        raise ConfigError(e.message, key=e.key, file=e.file or merged.file_of(e.key or "")) from e.__cause__
    return Checked(config, decoder.not_yet)
