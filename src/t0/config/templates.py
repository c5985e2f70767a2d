"""The templates a configuration refers to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from t0.config.judges import judge_functions
from t0.config.schema import Config, Place
from t0.config.values import SourceFile, at
from t0.templates import Environment


def template_files(config: Config) -> dict[str, SourceFile]:
    """Every template file by its name, those of judges included."""
    return {file.key: file for _, file in _used(config)}


def build_templates(config: Config) -> Environment:
    """All templates and what they include, ready to render. Raises `ConfigError`."""
    base_path = config.gateway.template_filesystem_access.base_path
    environment = Environment(Path(base_path) if base_path is not None else None)
    for place, file in _used(config):
        if not environment.has(file.key):
            with at(place):
                environment.add(file.key, file.body)
    environment.load_dependencies()
    return environment


def _used(config: Config) -> Iterator[tuple[str, SourceFile]]:
    """Where each template is used, and the file; a file used twice comes twice."""
    functions = {**config.functions, **judge_functions(config)}
    for name, function in functions.items():
        for variant_name, variant in function.variants.items():
            for part, config_ in variant.parts.items():
                place = Place(name, function, variant_name, part)
                for template, ref in config_.templates.items():
                    yield f"{place.path}.templates.{template}", ref.file
