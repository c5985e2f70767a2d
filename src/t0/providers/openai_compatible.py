"""The mapping that all vendors speaking OpenAI's chat completions share.

A vendor is a thin subclass in a file of its own: its config struct, its address, its `Dialect`, and the few methods
where it goes its own way.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

import msgspec

from t0.errors import ProviderFailure
from t0.providers.base import Headers
from t0.providers.chat.answer import (
    FINISH_REASONS,
    Answer,
    Delta,
    Message,
    StreamEvent,
    WireToolCall,
    plain_usage,
    wire_usage,
)
from t0.providers.chat.dialect import SAMPLING, Dialect
from t0.providers.chat.messages import (
    ChatMessage,
    assistant_fields,
    instructed_system,
    thoughts_text,
    user_messages,
)
from t0.providers.chat.stream import ChatStream
from t0.providers.chat.tools import tool_fields
from t0.providers.events import EventDecoder
from t0.providers.files import PartKind, chat_part, image_forwarded
from t0.providers.json_provider import UNREADABLE, JsonProvider, body_text, shown_request_id
from t0.providers.notices import unsupported_parameter, warn_once
from t0.providers.visible import refuse_provider_tools, visible_messages
from t0.types.content import File, ModelBlock, ModelMessage, OutputBlock, Text, Thought, ToolCall
from t0.types.model import FinishReason, ModelRequest, ModelResponse, Usage

EFFORT_TIP = "Tip: You might want to use `reasoning_effort` for this provider."


class OpenAICompatible(JsonProvider):
    path = "chat/completions"
    dialect: ClassVar[Dialect]
    choices_text: ClassVar[str] = "Response has invalid number of choices: {}. Expected 1."
    answer_decoder: ClassVar[msgspec.json.Decoder[Answer[Any]]] = msgspec.json.Decoder(Answer[Message])
    event_decoder: ClassVar[msgspec.json.Decoder[StreamEvent[Any]]] = msgspec.json.Decoder(StreamEvent[Delta])

    # -- request -------------------------------------------------------------------------------------------------------

    def body(self, call: ModelRequest) -> dict[str, Any]:
        refuse_provider_tools(call, self.name, self.type)
        body: dict[str, Any] = {"model": self.model_name(call), "messages": self.messages(call), "stream": call.stream}
        if call.stream and self.dialect.stream_options:
            body["stream_options"] = {"include_usage": True}
        self.add_parameters(body, call)
        body |= self.tool_fields(call)
        body |= self.json_fields(call)
        return body

    def model_name(self, call: ModelRequest) -> str:
        name: str = self.config.model_name
        return name

    def add_parameters(self, body: dict[str, Any], call: ModelRequest) -> None:
        names = self.dialect.parameters
        # PERF: only what was given; most calls give little, and asking for each field costs more than all the rest.
        for field, value in msgspec.to_builtins(call.params).items():
            key = SAMPLING.get(field) or names.get(field)
            if key is not None:
                body[key] = value
            elif field == "service_tier" and value in self.dialect.service_tiers:
                body["service_tier"] = value
            elif field != "json_mode" and field not in self.dialect.silent:
                hint = field == "thinking_budget_tokens" and "reasoning_effort" in names
                unsupported_parameter(self.label, field, tip=EFFORT_TIP if hint else "")

    def tool_fields(self, call: ModelRequest) -> dict[str, Any]:
        return tool_fields(call.tools, self.dialect, self.label)

    def json_fields(self, call: ModelRequest) -> dict[str, Any]:
        """What asks for JSON: `response_format`, unless the vendor has another way."""
        if call.json_mode == "off":
            return {}
        if call.json_mode == "strict" and call.output_schema is not None:
            return {"response_format": json_schema_format(call.output_schema)}
        return {"response_format": {"type": "json_object"}}

    # -- messages ------------------------------------------------------------------------------------------------------

    def messages(self, call: ModelRequest) -> list[ChatMessage]:
        messages = self.system_messages(call)
        for message in visible_messages(call, self.name, self.thought_type):
            messages.extend(self.message(message, call))
        return messages

    def system_messages(self, call: ModelRequest) -> list[ChatMessage]:
        system = instructed_system(call) if self.dialect.json_instruction else call.system
        return [] if system is None else [{"role": "system", "content": system}]

    def message(self, message: ModelMessage, call: ModelRequest) -> Iterable[ChatMessage]:
        """The wire messages for one message: none when nothing is left to say, several with tool results."""
        content = message.content
        if len(content) == 1 and isinstance(content[0], Text):
            return ({"role": message.role, "content": content[0].text},)
        return self._mixed_message(message, call)

    def _mixed_message(self, message: ModelMessage, call: ModelRequest) -> Iterator[ChatMessage]:
        def file_part(file: File) -> dict[str, Any]:
            return self.file_part(file, call)

        if message.role == "user":
            yield from user_messages(message, file_part)
            return
        fields = assistant_fields(message.content, file_part)
        thoughts = self.thought_fields(message.content)
        if fields or self.keeps_empty_message(thoughts):
            yield {"role": "assistant", **fields, **thoughts}

    def keeps_empty_message(self, thoughts: dict[str, Any]) -> bool:
        """Whether an assistant message goes out that has neither content nor tool calls."""
        return False

    def thought_fields(self, blocks: list[ModelBlock]) -> dict[str, Any]:
        """How the thoughts of an assistant message go back to the vendor."""
        text = thoughts_text(blocks)
        if text is None:
            return {}
        key = self.dialect.replayed_thoughts
        if key is None:
            warn_once(f"{self.label} does not take thoughts back, so they will be ignored.")
            return {}
        return {key: text}

    def file_part(self, file: File, call: ModelRequest) -> dict[str, Any]:
        return chat_part(
            file,
            fetch=call.fetch_and_encode_files,
            detail=self.dialect.image_detail,
            kinds=self.part_kinds,
            label=self.label,
        )

    @property
    def part_kinds(self) -> Mapping[str, PartKind]:
        """Kinds of content parts by MIME type, where they differ from the usual."""
        return {}

    def forwards_url(self, file: File, call: ModelRequest) -> bool:
        return image_forwarded(file, fetch=call.fetch_and_encode_files)

    # -- answer --------------------------------------------------------------------------------------------------------

    def response(self, call: ModelRequest, headers: Headers, body: bytes) -> ModelResponse:
        try:
            answer = self.answer_decoder.decode(body)
            if len(answer.choices) != 1:
                raise self.invalid_choices(len(answer.choices), body_text(body))
            choice = answer.choices[0]
            finish_reason = self._finish_reason(choice.finish_reason)
            usage = self._required_usage(answer.usage, headers)
            output = self.output(choice.message, call, body)
        except UNREADABLE as e:
            raise self.server_failure(f"Error parsing JSON response: {e}", body_text(body)) from e
        return ModelResponse(output=output, usage=usage, raw_usage=answer.usage, finish_reason=finish_reason)

    def output(self, message: Any, call: ModelRequest, body: bytes) -> list[OutputBlock]:
        """The answer's blocks. `body` is for errors, `call` names the model of unknown blocks."""
        blocks: list[OutputBlock] = self.thoughts(message)
        if message.content or (message.content is not None and self.dialect.empty_text):
            blocks.append(Text(message.content))
        blocks += [self.tool_call(c) for c in message.tool_calls or ()]
        return blocks

    def thoughts(self, message: Any) -> list[OutputBlock]:
        for key in self.dialect.thoughts:
            text = getattr(message, key)
            if text is not None:
                return [Thought(text, provider_type=self.thought_type)]
        return []

    def tool_call(self, call: WireToolCall) -> ToolCall:
        if call.function is not None:
            return ToolCall(call.id, call.function.name, call.function.arguments)
        if call.custom is not None:
            return ToolCall(call.id, call.custom.name, call.custom.input)
        raise msgspec.ValidationError(f"tool call `{call.id}` has neither `function` nor `custom`")

    def _required_usage(self, raw: Any, headers: Headers) -> Usage:
        if raw is not None:
            return self.usage(raw, headers)
        if self.dialect.usage_required:
            raise msgspec.ValidationError("missing field `usage`")
        return Usage()

    def usage(self, raw: Any, headers: Headers) -> Usage:
        """Token counts from the provider's usage value. Raises `msgspec.ValidationError`."""
        return plain_usage(wire_usage(raw), cached_tokens=self.dialect.cached_tokens)

    def _finish_reason(self, text: str | None) -> FinishReason | None:
        if text is not None:
            return self.finish_reason(text)
        if self.dialect.finish_reason_required:
            raise msgspec.ValidationError("missing field `finish_reason`")
        return None

    def finish_reason(self, text: str) -> FinishReason:
        return FINISH_REASONS.get(text, "unknown")

    def decoder(self, call: ModelRequest) -> EventDecoder:
        return ChatStream(self, call)

    def stream_request_id(self, headers: Headers) -> str:
        return shown_request_id(headers)

    def invalid_choices(self, count: int, raw: str) -> ProviderFailure:
        return self.server_failure(self.choices_text.format(count), raw)


def json_schema_format(schema: Any) -> dict[str, Any]:
    """A strict `response_format` for `schema`."""
    return {"type": "json_schema", "json_schema": {"name": "response", "strict": True, "schema": schema}}
