"""What together and fireworks share: thoughts in `<think>` tags or in a field, told apart by their `extra_data`."""

from collections.abc import Iterable
from typing import Any

from t0.providers.chat.messages import ChatMessage
from t0.providers.chat.stream import ChatStream
from t0.providers.openai_compatible import OpenAICompatible
from t0.providers.think_tags import FIELD, TAGS, ThinkTagError, ThinkTagSplitter, sort_thoughts, split_thought
from t0.types.content import BlockChunk, ModelBlock, ModelMessage, OutputBlock, Text, Thought, ThoughtChunk
from t0.types.model import ModelRequest


class ThinkingProvider(OpenAICompatible):
    """Subclasses name the reasoning field in `dialect.thoughts` and `dialect.replayed_thoughts`."""

    plain_stream_errors = True

    def output(self, message: Any, call: ModelRequest, body: bytes) -> list[OutputBlock]:
        try:
            thought, text = split_thought(message.content or "")
        except ThinkTagError as e:
            raise self.server_failure(str(e), body.decode("utf-8", "replace")) from e
        blocks = self.thoughts(message)
        if thought is not None:
            blocks.append(Thought(thought, provider_type=self.type, extra_data=TAGS))
        if text:
            blocks.append(Text(text))
        return blocks + [self.tool_call(c) for c in message.tool_calls or ()]

    def thoughts(self, message: Any) -> list[OutputBlock]:
        found = super().thoughts(message)
        return [Thought(b.text, provider_type=self.type, extra_data=FIELD) for b in found if isinstance(b, Thought)]

    def thought_fields(self, blocks: list[ModelBlock]) -> ChatMessage:
        _, field = sort_thoughts(blocks)
        return {str(self.dialect.replayed_thoughts): "\n\n".join(field)} if field else {}

    def message(self, message: ModelMessage, call: ModelRequest) -> Iterable[ChatMessage]:
        """Thoughts that came in tags go back in tags, before the rest of their message."""
        tagged = sort_thoughts(message.content)[0] if message.role == "assistant" else []
        if tagged:
            texts: list[ModelBlock] = [Text(f"<think>{t}</think>") for t in tagged]
            message = ModelMessage(message.role, texts + message.content)
        return super().message(message, call)

    def decoder(self, call: ModelRequest) -> ChatStream:
        return ThinkingStream(self, call)


class ThinkingStream(ChatStream):
    def __init__(self, provider: OpenAICompatible, call: ModelRequest) -> None:
        super().__init__(provider, call)
        self._splitter = ThinkTagSplitter(provider.type)

    def texts(self, text: str | None) -> list[BlockChunk]:
        if text is None:
            return []
        try:
            return self._splitter.feed(text)
        except ThinkTagError as e:
            raise self.failure(str(e)) from e

    def thoughts(self, delta: Any) -> list[BlockChunk]:
        return [
            ThoughtChunk("3", c.text, provider_type=self._provider.type, extra_data=FIELD)
            for c in super().thoughts(delta)
            if isinstance(c, ThoughtChunk)
        ]
