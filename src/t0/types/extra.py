"""`extra_body` and `extra_headers`: late changes to a provider's request."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType


class ExtraBody(Struct, omit_defaults=True):
    """Sets `value` at the pointer, or deletes what is there; set names limit it. Encoded, it is the stored form."""

    pointer: str
    value: Any = UNSET
    delete: bool | UnsetType = UNSET
    variant_name: str | None = None
    model_name: str | None = None
    provider_name: str | None = None


class ExtraHeader(Struct, omit_defaults=True):
    name: str
    value: str | UnsetType = UNSET
    delete: bool | UnsetType = UNSET
    variant_name: str | None = None
    model_name: str | None = None
    provider_name: str | None = None
