"""Google's way of URLs: a resource, a colon, and a verb, which differs for streams."""

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import quote

from t0.providers.base import endpoint
from t0.providers.json_provider import JsonProvider
from t0.types.model import ModelRequest
from t0.upstream.base import Url

SAFE = "/:@!$&'()*+,;=~"


class VerbProvider(JsonProvider):
    verb: ClassVar[str]
    stream_verb: ClassVar[str]

    def resource(self) -> str:
        """What is asked, as a path below the address."""
        raise NotImplementedError

    def make_url(self) -> Url:
        base, path = self.api_base(), quote(self.resource(), safe=SAFE)
        self.stream_url = endpoint(base, f"{path}:{self.stream_verb}")
        return endpoint(base, f"{path}:{self.verb}")

    def url_for(self, call: ModelRequest, credentials: Mapping[str, str]) -> Url:
        return self.stream_url if call.stream else super().url_for(call, credentials)
