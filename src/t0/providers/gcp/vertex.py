"""What Vertex AI's providers share, whoever made the model: addresses and bearer tokens."""

from collections.abc import Mapping

from t0.config.credentials import Credential, CredentialStore, parse_location
from t0.providers.base import HeaderItems
from t0.providers.gcp.config import GCPConfig
from t0.providers.gcp.credentials import DefaultCredential, ServiceAccount, default_credential
from t0.providers.gcp.errors import invalid_location
from t0.providers.verbs import VerbProvider
from t0.upstream.base import Transport

DEFAULT_LOCATION = "path_from_env::GCP_VERTEX_CREDENTIALS_PATH"


class VertexProvider(VerbProvider):
    # -- address -------------------------------------------------------------------------------------------------------

    def api_base(self) -> str:
        config: GCPConfig = self.config
        return config.api_base or f"https://{config.host()}/v1/"

    def resource(self) -> str:
        config: GCPConfig = self.config
        return f"projects/{config.project_id}/locations/{config.location}/{config.resource()}"

    # -- token ---------------------------------------------------------------------------------------------------------

    _own_key: str | None = None
    """The entry of a request's credentials that goes before the machine's login."""
    _login: DefaultCredential | None = None
    """The machine's login, if it is what requests are sent with."""

    def make_credential(self, credentials: CredentialStore) -> Credential:
        location = credentials.location(self.config.credential_location, self.type, DEFAULT_LOCATION)
        if isinstance(location, dict):
            fallback = self._credential(location["fallback"], credentials)
            form, key = parse_location(location["default"])
            if form == "dynamic":
                self._own_key = key
                self._use(fallback)
                return Credential(self.label, dynamic=key, fallback=fallback)
            location = location["default"]
        return self._use(self._credential(location, credentials))

    def _credential(self, location: str, credentials: CredentialStore) -> Credential:
        form, argument = parse_location(location)
        match form:
            case "dynamic":
                return Credential(self.label, dynamic=argument)
            case "sdk":
                return default_credential(self.label, credentials)
            case "path" | "path_from_env":
                key_file = credentials.read(form, argument, self.label)
                return ServiceAccount(self.label, key_file, self.audience())
            case _:
                raise invalid_location(self.label)

    def audience(self) -> str:
        """What Google's APIs expect by their own names, wherever requests are sent to."""
        config: GCPConfig = self.config
        return f"https://{config.host()}/"

    def _use(self, credential: Credential) -> Credential:
        if isinstance(credential, DefaultCredential):
            self._login, self.prepares = credential, True
        return credential

    async def check(self, transport: Transport) -> None:
        if self._login is not None:
            await self._login.shared.ensure(transport)

    async def prepare(self, credentials: Mapping[str, str], transport: Transport) -> None:
        if self._login is not None and self._own_key not in credentials:
            await self._login.shared.ensure(transport)

    # -- headers -------------------------------------------------------------------------------------------------------

    _kept_headers: Mapping[bool, tuple[str | None, HeaderItems]] = {}

    def _plain_headers(self, stream: bool, credentials: Mapping[str, str]) -> HeaderItems:
        token = self.credential.value(credentials)
        kept = self._kept_headers.get(stream)
        if kept is not None and kept[0] == token:
            return kept[1]
        headers = self._make_headers(token, stream)
        self._kept_headers = {**self._kept_headers, stream: (token, headers)}
        return headers

    def auth_headers(self, key: str) -> HeaderItems:
        token = self._login.shared.token if self._login is not None else None
        bearer = ("authorization", f"Bearer {key}")
        if token is None or token.value != key or token.quota_project is None:
            return (bearer,)
        return (bearer, ("x-goog-user-project", token.quota_project))
