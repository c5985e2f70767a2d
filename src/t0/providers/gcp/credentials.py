"""The two kinds of credentials that t0 turns into tokens: a service account's key, and the machine's own login."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from weakref import WeakKeyDictionary

import msgspec
from msgspec import Struct

from t0.config.credentials import Credential, CredentialStore
from t0.errors import ConfigError
from t0.providers.gcp.errors import PREFIX, GCPCredentialsError
from t0.providers.gcp.tokens import RENEWED_S, SharedToken

LIFETIME_S = 3600


class KeyFile(Struct):
    """What counts in a service account's JSON file."""

    private_key_id: str
    private_key: str
    client_email: str


class ServiceAccount(Credential):
    """Signs its own tokens, each good for an hour at one audience; no endpoint is asked for them."""

    __slots__ = ("_claims", "_clock", "_renew_at", "_sign", "_token")

    def __init__(self, owner: str, key_file: str, audience: str, clock: Callable[[], float] = time.time) -> None:
        """`key_file` is the file's text. Raises `ConfigError`."""
        super().__init__(owner)
        from t0.providers.gcp.sdk import make_signer

        try:
            key = msgspec.json.decode(key_file, type=KeyFile)
            self._sign = make_signer(key.private_key, key.private_key_id)
        except (msgspec.DecodeError, ValueError) as e:
            raise ConfigError(f"{PREFIX}not the key file of a service account: {e}") from e
        self._claims = {"iss": key.client_email, "sub": key.client_email, "aud": audience}
        self._clock = clock
        self._renew_at = 0.0
        self._token = ""

    def __repr__(self) -> str:
        return f"ServiceAccount({self._claims['iss']!r}, {self._claims['aud']!r})"

    @property
    def is_static(self) -> bool:
        return False

    def value(self, credentials: Mapping[str, str]) -> str:
        now = self._clock()
        if now >= self._renew_at:
            issued_at = int(now)
            self._token = self._sign({**self._claims, "iat": issued_at, "exp": issued_at + LIFETIME_S})
            self._renew_at = now + LIFETIME_S - RENEWED_S
        return self._token


class DefaultCredential(Credential):
    """`sdk`: the token that `shared` holds, once it has been ensured."""

    __slots__ = ("shared",)

    def __init__(self, owner: str, shared: SharedToken) -> None:
        super().__init__(owner)
        self.shared = shared

    def __repr__(self) -> str:
        return "DefaultCredential(•••)"

    @property
    def is_static(self) -> bool:
        return False

    def value(self, credentials: Mapping[str, str]) -> str:
        if self.shared.token is None:
            raise GCPCredentialsError("no token was fetched")
        return self.shared.token.value


_shared: WeakKeyDictionary[CredentialStore, SharedToken] = WeakKeyDictionary()


def default_credential(owner: str, store: CredentialStore) -> DefaultCredential:
    """The machine's own login; all providers of one configuration share its token. Raises `ConfigError`."""
    from t0.providers.gcp.sdk import DefaultCredentials

    if store not in _shared:
        _shared[store] = SharedToken(DefaultCredentials().fetch)
    return DefaultCredential(owner, _shared[store])
