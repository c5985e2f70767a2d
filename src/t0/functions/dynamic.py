"""Variants that come with a request: `internal_dynamic_variant_config`."""

from __future__ import annotations

from typing import Any, NamedTuple

from cachetools import LRUCache
from msgspec.structs import replace

from t0._core import cache_key
from t0.config.checks.functions import Scope, check_variant
from t0.config.checks.gateway import check_timeouts
from t0.config.checks.variants import check_circles
from t0.config.decode import Decoder, Kinds
from t0.config.environment import Environment
from t0.config.schema import ChatFunctionConfig, Config, Place, VariantConfig
from t0.config.values import SourceFile, at, expect, join
from t0.errors import ConfigError, InvalidRequest, NotImplementedYet
from t0.functions.base import Function
from t0.functions.build import build_variant
from t0.models.table import ModelTable
from t0.templates import Environment as Templates
from t0.templates.dependencies import loads
from t0.variants.base import Variant

VARIANT_NAME = "tensorzero::dynamic_variant"
_FIELD = "internal_dynamic_variant_config"
_PATH, _DATA = "__tensorzero_remapped_path", "__data"
"""The keys of a file that a request carries: its name, its text."""

_LARGEST_BYTES = 256 * 1024
_FUEL = 1_000_000
_BUILT_BYTES = 8 * 1024 * 1024


class _Built(NamedTuple):
    variant: Variant
    size: int


class DynamicVariants:
    """Builds variants from requests. Equal ones are built once, as long as a few megabytes hold them."""

    def __init__(self, config: Config, kinds: Kinds, models: ModelTable, templates: Templates) -> None:
        """`templates` are those of the configuration, which a request's templates may include."""
        self._config, self._kinds, self._models, self._templates = config, kinds, models, templates
        self._built: LRUCache[bytes, _Built] = LRUCache(_BUILT_BYTES, getsizeof=lambda built: built.size)

    def get(self, function: Function, table: dict[str, Any]) -> Variant:
        """The variant of `function` that `table` describes, under the rules that a configured one must obey.

        Raises `InvalidRequest` naming the key that breaks one, `NotImplementedYet` for what t0 cannot run.
        """
        key = cache_key.material([function.name, table])
        if len(key) > _LARGEST_BYTES:
            raise InvalidRequest(f"{_FIELD}: {len(key)} bytes are too many, expected at most {_LARGEST_BYTES}")
        found = self._built.get(key)
        if found is None:
            found = self._built[key] = _Built(self._build(function, table), len(key))
        return found.variant

    def _build(self, function: Function, table: dict[str, Any]) -> Variant:
        place = Place(function.name, ChatFunctionConfig(variants={}), VARIANT_NAME)
        try:
            config = self._decode(table)
            declared = self._config.functions.get(function.name, place.function)
            place = place._replace(function=replace(declared, variants={**declared.variants, VARIANT_NAME: config}))
            templates = self._templates_of(config)
            self._check(place, config, templates)
            return build_variant(VARIANT_NAME, config, self._models, function.schemas, templates)
        except ConfigError as e:
            where = (e.key or _FIELD).replace(place.path, _FIELD)
            raise InvalidRequest(f"{where}: {e.message.replace(place.path, _FIELD)}") from e

    def _decode(self, table: dict[str, Any]) -> VariantConfig:
        decoder = Decoder(self._kinds)
        config: VariantConfig = decoder.table(VariantConfig, _with_files(table, _FIELD), _FIELD)
        if decoder.not_yet:
            raise NotImplementedYet("; ".join(f"{key}: {reason}" for key, reason in decoder.not_yet.items()))
        return config

    def _templates_of(self, config: VariantConfig) -> Templates:
        """The variant's templates, and of the configured ones those that they include."""
        configured = self._templates.sources()
        templates = Templates(fuel=_FUEL)
        waiting = [ref.file for part in config.parts.values() for ref in part.templates.values()]
        while waiting:
            file = waiting.pop()
            if templates.has(file.key):
                continue
            with at(_FIELD):
                templates.add(file.key, file.body)
            names = {n for load in loads(file.body) for n in (configured if load.names is None else load.names)}
            waiting = [SourceFile(n, n, configured[n]) for n in names if n in configured] + waiting
        return templates

    def _check(self, place: Place, config: VariantConfig, templates: Templates) -> None:
        # The environment is for the rules of experiments, which no single variant has.
        check_variant(Scope(self._config, self._kinds, Environment(), templates), place)
        check_circles(place.function_name, place.function)
        check_timeouts(self._config, place.path, config.timeouts)


def _with_files(table: dict[str, Any], path: str) -> dict[str, Any]:
    """The table as one read from TOML: without nulls, and with its files, whose names are never looked up."""
    return {key: _value(value, join(path, key)) for key, value in table.items() if value is not None}


def _value(value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        return value
    if _PATH not in value:
        return _with_files(value, path)
    name = expect(str, value[_PATH], join(path, _PATH), "a string")
    if value.keys() != {_PATH, _DATA}:
        raise ConfigError(f"a file has the keys `{_PATH}` and `{_DATA}` and no others", key=path)
    return SourceFile(name, name, expect(str, value[_DATA], join(path, _DATA), "a string"))
