"""Which blocks and tools of a call one provider gets to see."""

from t0.errors import InvalidRequest
from t0.types.content import ModelBlock, ModelMessage, Thought, Unknown
from t0.types.model import ModelRequest


def visible_messages(call: ModelRequest, provider_name: str, thought_type: str) -> list[ModelMessage]:
    """The messages without thoughts and unknown blocks meant for others; the same list when nothing is dropped.

    `thought_type` is what a thought's `provider_type` must equal. A message left empty stays, empty.
    """
    if not _has_scoped_blocks(call.messages):
        return call.messages

    def seen(block: ModelBlock) -> bool:
        if isinstance(block, Thought):
            return block.provider_type in (None, thought_type)
        if isinstance(block, Unknown):
            return block.model_name in (None, call.model_name) and block.provider_name in (None, provider_name)
        return True

    return [ModelMessage(message.role, [b for b in message.content if seen(b)]) for message in call.messages]


def _has_scoped_blocks(messages: list[ModelMessage]) -> bool:
    # PERF: nearly always false; `any` over a generator takes three times as long.
    for message in messages:
        for block in message.content:
            if isinstance(block, (Thought, Unknown)):
                return True
    return False


def provider_tools(call: ModelRequest, provider_name: str) -> list[object]:
    """The request's provider tools whose scope holds this model and provider, as they go on the wire."""
    if call.tools is None:
        return []
    return [
        entry.tool
        for entry in call.tools.provider_tools
        if entry.scope is None
        or (entry.scope.model_name == call.model_name and entry.scope.provider_name in (None, provider_name))
    ]


def refuse_provider_tools(call: ModelRequest, provider_name: str, provider_type: str) -> None:
    """Raises when provider tools are meant for a provider that has none."""
    count = len(provider_tools(call, provider_name))
    if count:
        raise InvalidRequest(
            f"Provider `{provider_type}` does not support `provider_tools`, but {count} provider tool(s) were "
            f"configured for model `{call.model_name}` / provider `{provider_name}`. Provider tools are only supported "
            "by: Anthropic, GCP Vertex Anthropic, and OpenAI (Responses API only)."
        )
