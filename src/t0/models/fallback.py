"""Providers in their order, each tried until one answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol, TypeVar

from t0.errors import AllModelProvidersFailed, RequestError


class Named(Protocol):
    name: str


class Result(Protocol):
    failures: list[RequestError]


P = TypeVar("P", bound=Named)
R = TypeVar("R", bound=Result)


async def first_answer(providers: Iterable[P], ask: Callable[[P], Awaitable[R]]) -> R:
    """The first result that comes, with the errors of the providers before it. Raises `AllModelProvidersFailed`."""
    errors: dict[str, RequestError] = {}
    for provider in providers:
        try:
            result = await ask(provider)
        except RequestError as e:
            errors[provider.name] = e
            continue
        result.failures = list(errors.values())
        return result
    raise AllModelProvidersFailed(errors)
