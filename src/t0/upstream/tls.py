"""The TLS settings of outgoing connections: the system's trust store, or the one `SSL_CERT_FILE` names."""

import ssl
from collections.abc import Mapping
from pathlib import Path

from t0.errors import ConfigError

# Where systems keep their roots, for interpreters built with an OpenSSL that looks elsewhere.
SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


class ClientContext(ssl.SSLContext):
    """Verifies certificates and host names, and resumes the last session with each host."""

    def __init__(self, *_: object) -> None:
        self._sessions: dict[str, ssl.SSLSession] = {}
        self.set_alpn_protocols(["http/1.1"])

    def remember(self, host: str, connection: object) -> None:
        """Keeps the session of an `ssl.SSLObject` of this context for the next connection to `host`."""
        if isinstance(connection, ssl.SSLObject) and connection.session is not None:
            self._sessions[host] = connection.session

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        # asyncio has no argument for the session; this is what its transports call.
        if session is None and isinstance(server_hostname, str):
            session = self._sessions.get(server_hostname)
        return super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)


def client_context(env: Mapping[str, str]) -> ClientContext:
    """A context that verifies certificates and host names. Raises `ConfigError` when the named store is unreadable."""
    cafile, capath = env.get("SSL_CERT_FILE") or None, env.get("SSL_CERT_DIR") or None
    if cafile is None and capath is None:
        cafile = _missing_system_bundle()
    context = ClientContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if cafile or capath:
            context.load_verify_locations(cafile, capath)
        else:
            context.load_default_certs()
    except OSError as e:
        raise ConfigError(f"`SSL_CERT_FILE` = `{cafile}` is not a readable file of certificates: {e}") from e
    return context


def _missing_system_bundle() -> str | None:
    """A bundle to load by name, or None when OpenSSL finds the system's store by itself."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile or paths.capath:
        return None
    return next((bundle for bundle in SYSTEM_BUNDLES if Path(bundle).is_file()), None)
