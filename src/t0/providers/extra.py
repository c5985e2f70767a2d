"""`extra_body` and `extra_headers`: late changes to a request's body and headers.

The pointer rules are those of `docs/providers/index.md`: objects grow, arrays never do except by `-` at the end, and an
index is never invented. What a pointer passes through is copied on the way, since tools and schemas are shared between
requests.
"""

from collections.abc import Iterable
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from t0.errors import ExtraBodyReplacement, InvalidRequest
from t0.providers.notices import warn_once
from t0.types.extra import ExtraBody, ExtraHeader
from t0.types.model import ModelRequest

Pairs = tuple[tuple[str, str], ...]

_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class _Filtered(Protocol):
    model_name: str | None
    provider_name: str | None


Entry = TypeVar("Entry", bound=_Filtered)


def applicable(entries: Iterable[Entry], call: ModelRequest, provider_name: str) -> list[Entry]:
    """The entries whose model and provider, where named, are these."""
    return [e for e in entries if e.model_name in (None, call.model_name) and e.provider_name in (None, provider_name)]


def change_body(body: Any, call: ModelRequest, provider_name: str, own: Iterable[ExtraBody]) -> None:
    """Applies all entries to the body of a call: the variant's, the provider's `own`, the request's."""
    if call.variant_extra_body or call.extra_body or own:
        for entries in (call.variant_extra_body, own, call.extra_body):
            apply_body(body, applicable(entries, call, provider_name))


def apply_body(body: Any, entries: Iterable[ExtraBody]) -> None:
    """Changes `body` in place, entry by entry. Raises `ExtraBodyReplacement`."""
    for entry in entries:
        if not isinstance(body, dict):
            raise ExtraBodyReplacement("Body is not a map", entry.pointer)
        if entry.value is UNSET:
            _delete(body, entry.pointer)
        else:
            _set(body, entry.pointer, entry.value)


def apply_headers(headers: Pairs, entries: Iterable[ExtraHeader]) -> Pairs:
    """`headers` with the entries set over them; `delete` takes back an earlier entry. Raises `InvalidRequest`."""
    extra: dict[str, str] = {}
    for entry in entries:
        name = _header_name(entry.name)
        if isinstance(entry.value, UnsetType):
            extra.pop(name, None)
        else:
            extra[name] = _header_value(entry.value)
    return tuple((n, v) for n, v in headers if n not in extra) + tuple(extra.items())


def _header_name(name: str) -> str:
    if not name or not _TOKEN.issuperset(name):
        raise InvalidRequest(f"Invalid header name `{name}`: invalid HTTP header name")
    return name.lower()


def _header_value(value: str) -> str:
    if any((c < " " and c != "\t") or c == "\x7f" for c in value):
        raise InvalidRequest(f"Invalid header value `{value}`: failed to parse header value")
    return value


# -- pointers ----------------------------------------------------------------------------------------------------------


def _tokens(pointer: str) -> list[str]:
    if not pointer:
        raise ExtraBodyReplacement("Pointer cannot be empty", pointer)
    if not pointer.startswith("/"):
        raise ExtraBodyReplacement("Pointer must start with '/'", pointer)
    if pointer.endswith("/"):
        raise ExtraBodyReplacement("Pointer cannot end with '/'", pointer)
    return [t.replace("~1", "/").replace("~0", "~") for t in pointer[1:].split("/")]


def _is_index(token: str) -> bool:
    return token.isascii() and token.isdigit() and (token == "0" or token[0] != "0")


def _set(body: dict[str, Any], pointer: str, value: Any) -> None:
    *path, last = _tokens(pointer)
    target: Any = body
    for token in path:
        target = _child(target, token, pointer)
    if isinstance(target, dict):
        if last not in target and _is_index(last):
            raise _no_container(last, pointer)
        target[last] = value
    elif isinstance(target, list):
        if last == "-":
            target.append(value)
        else:
            target[_index(target, last, pointer)] = value
    else:
        raise _not_indexable(target, pointer)


def _child(target: Any, token: str, pointer: str) -> Any:
    """The value under `token`, made as an empty object where an object lacks it."""
    if isinstance(target, dict):
        if token not in target:
            if _is_index(token):
                raise _no_container(token, pointer)
            target[token] = {}
        return _own(target, token)
    if isinstance(target, list):
        return _own(target, _index(target, token, pointer))
    raise _not_indexable(target, pointer)


def _own(container: Any, key: str | int) -> Any:
    """The value under `key`, replaced by a shallow copy that may be changed."""
    value = container[key]
    if isinstance(value, dict | list):
        container[key] = value = value.copy()
    return value


def _index(target: list[Any], token: str, pointer: str) -> int:
    if token == "-":
        message = "Array append operator `-` can only be used at the end of a pointer"
        raise ExtraBodyReplacement(message, pointer)
    if not _is_index(token) or int(token) >= len(target):
        message = f"Could not find array index {token} in target array (len {len(target)})"
        raise ExtraBodyReplacement(message, pointer)
    return int(token)


def _delete(body: dict[str, Any], pointer: str) -> None:
    *path, last = _tokens(pointer)
    target: Any = body
    for token in path:
        if _found(target, token) is UNSET:
            break
        target = _own(target, int(token) if isinstance(target, list) else token)
    else:
        return _delete_last(target, last, pointer)
    return _nothing_to_delete(pointer)


def _delete_last(target: Any, last: str, pointer: str) -> None:
    if last == "-" and isinstance(target, list):
        raise ExtraBodyReplacement("Cannot delete using array append operator `-`", pointer)
    if _found(target, last) is UNSET:
        _nothing_to_delete(pointer)
    elif isinstance(target, list):
        del target[int(last)]
    else:
        del target[last]


def _nothing_to_delete(pointer: str) -> None:
    warn_once(f"`extra_body` deletes `{pointer}`, which the request does not have")


def _found(target: Any, token: str) -> Any:
    if isinstance(target, dict):
        return target.get(token, UNSET)
    if isinstance(target, list) and _is_index(token) and int(token) < len(target):
        return target[int(token)]
    return UNSET


def _no_container(token: str, pointer: str) -> ExtraBodyReplacement:
    message = f"TensorZero doesn't support pointing an index ({token}) if its container doesn't exist."
    return ExtraBodyReplacement(message, pointer)


def _not_indexable(target: Any, pointer: str) -> ExtraBodyReplacement:
    found = msgspec.json.encode(target).decode()
    return ExtraBodyReplacement(f"Can only index into object or array - found target {found}", pointer)
