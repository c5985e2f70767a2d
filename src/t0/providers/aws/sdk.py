"""The parts of AWS's SDK that t0 leaves to botocore: signatures, the credential chain, the region.

Importing this module imports botocore, which takes a fifth of a second: only what is configured to sign does so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from t0.errors import ApiKeyMissing, ConfigError
from t0.providers.base import HeaderItems

try:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import RefreshableCredentials
    from botocore.session import Session
    from botocore.utils import IMDSRegionProvider
except ImportError as e:
    raise ConfigError(
        "Providers of AWS need botocore: `pip install 't0-gateway[aws]'`, or use a bearer token (`api_key`)"
    ) from e


class Keys(Struct, frozen=True):
    """What requests are signed with. The names are those that botocore's signer reads."""

    access_key: str
    secret_key: str
    token: str | None = None

    def __repr__(self) -> str:
        return f"Keys({self.access_key!r}, •••)"


SIGNING_HEADERS = frozenset({"authorization", "x-amz-date", "x-amz-security-token"})


def sign(
    keys: Keys, *, service: str, region: str, method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes
) -> HeaderItems:
    """The headers that a signature (version 4) over all of `headers` and `body` adds, as of now.

    `url` must be percent-encoded as it will be sent; its path is encoded once more for the signature.
    """
    request = AWSRequest(method, url, dict(headers), body)
    SigV4Auth(keys, service, region).add_auth(request)
    signed = ((name.lower(), value) for name, value in request.headers.items())
    return tuple((name, value) for name, value in signed if name in SIGNING_HEADERS)


def find_region(env: Mapping[str, str]) -> str | None:
    """The region of the environment, the profile, or the machine; asks the metadata service last, and blocks for it."""
    named = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION")
    if named:
        return named
    session = Session()
    region: str | None = session.get_config_variable("region") or IMDSRegionProvider(session).provide()
    return region


class Chain:
    """The SDK's credential chain: environment, profile, SSO, web identity, container, instance. Its calls block."""

    def __init__(self) -> None:
        self._found: Any = None

    def resolve(self) -> Keys:
        """The keys as they are now. Temporary ones are renewed some minutes before they expire, files read again.

        Raises `ApiKeyMissing` when there are none, or none could be had.
        """
        try:
            if not isinstance(self._found, RefreshableCredentials):
                self._found = Session().get_credentials()
            frozen = self._found and self._found.get_frozen_credentials()
        except Exception as e:
            # botocore's own errors, and whatever damaged caches or the output of a `credential_process` lead to: none
            # of it may keep a call from its next provider.
            raise ApiKeyMissing("aws", f"The AWS credential chain failed: {e}") from e
        if not frozen:
            raise ApiKeyMissing("aws", "No credentials were found in the AWS credential chain")
        return Keys(frozen.access_key, frozen.secret_key, frozen.token)
