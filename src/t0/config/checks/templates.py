"""Templates against the schemas of their function."""

from __future__ import annotations

from t0.config.schema import ROLES, Place, SampledVariantConfig
from t0.errors import ConfigError
from t0.templates import Environment


def check_templates(templates: Environment, place: Place, variant: SampledVariantConfig) -> None:
    """Every schema has its template, and the older spelling without a schema uses nothing but the role's text."""
    for name in place.function.schemas:
        if name not in variant.templates:
            raise _missing(place, name)
    for name, template in variant.templates.items():
        if template.legacy and name not in place.function.schemas:
            _only_text(templates.undeclared(template.file.key), place, name)


def _missing(place: Place, name: str) -> ConfigError:
    if name in ROLES:
        return ConfigError("template is required when schema is specified", key=f"{place.path}.{name}_template")
    schema = f"functions.{place.function_name}.schemas.{name}"
    return ConfigError(f"template is required when `{schema}` is specified", key=f"{place.path}.templates.{name}")


def _only_text(variables: set[str], place: Place, role: str) -> None:
    allowed = f"{role}_text"
    if variables - {allowed}:
        needed = ", ".join(sorted(variables))
        text = f"template needs variables: [{needed}] but only `{allowed}` is allowed when template has no schema"
        raise ConfigError(text, key=f"{place.path}.{role}_template")
