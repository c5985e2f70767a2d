"""How calls to AWS prove who makes them: by a signature, or by a bearer token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from t0.config.credentials import CredentialStore, parse_location
from t0.providers.aws.credentials import KeySource, dynamic_value, variable
from t0.providers.aws.settings import Destination
from t0.providers.base import HeaderItems


class Auth(Protocol):
    @property
    def prepares(self) -> bool:
        """Whether `prepare` must be awaited before `prove`."""

    @property
    def is_dynamic(self) -> bool:
        """Whether the credentials come with each request."""

    async def prepare(self) -> None:
        """Gets credentials, if there are none that may still be used. Raises `ApiKeyMissing`."""

    def prove(
        self, headers: HeaderItems, destination: Destination, body: bytes, credentials: Mapping[str, str]
    ) -> HeaderItems:
        """`headers` with the proof. `credentials` are the request's dynamic ones. Raises `ApiKeyMissing`."""


class BearerAuth:
    """A token that is fixed at start, or comes with each request."""

    prepares = False

    def __init__(self, *, static: str | None = None, dynamic: str | None = None) -> None:
        self._static, self._dynamic = static, dynamic
        self.is_dynamic = dynamic is not None

    @classmethod
    def at(cls, location: str, store: CredentialStore, type_name: str) -> BearerAuth:
        """The token at an `env::` or `dynamic::` location. Raises `ConfigError`."""
        form, argument = parse_location(location)
        if form == "dynamic":
            return cls(dynamic=argument)
        return cls(static=variable(argument, "api_key", store, type_name))

    async def prepare(self) -> None:
        """Has nothing to do."""

    def prove(
        self, headers: HeaderItems, destination: Destination, body: bytes, credentials: Mapping[str, str]
    ) -> HeaderItems:
        token = dynamic_value("api_key", self._dynamic, credentials) if self._dynamic is not None else self._static
        return (*(h for h in headers if h[0] != "authorization"), ("authorization", f"Bearer {token}"))


class SignatureAuth:
    """Signature version 4. What a caller sets of its headers by `extra_headers` is left as it is."""

    def __init__(self, source: KeySource, service: str) -> None:
        self._source, self._service = source, service
        self.prepares, self.is_dynamic = source.prepares, source.is_dynamic

    async def prepare(self) -> None:
        await self._source.prepare()

    def prove(
        self, headers: HeaderItems, destination: Destination, body: bytes, credentials: Mapping[str, str]
    ) -> HeaderItems:
        from t0.providers.aws.sdk import SIGNING_HEADERS, sign

        computed = sign(
            self._source.keys(credentials),
            service=self._service,
            region=destination.region,
            method="POST",
            url=str(destination.url),
            headers=[h for h in headers if h[0] not in SIGNING_HEADERS],
            body=body,
        )
        given = {name for name, _ in headers}
        return (*headers, *(h for h in computed if h[0] not in given))
