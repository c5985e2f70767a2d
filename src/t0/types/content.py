"""Content blocks: what messages and answers are made of.

The encoded JSON of these structs is the stored form (`ChatInference.input`,
`ModelInference.output` …): field order and the omission of unset fields are part of that contract.
"""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

Role = Literal["user", "assistant"]


class Text(Struct, tag_field="type", tag="text", gc=False):
    text: str


class Template(Struct, tag_field="type", tag="template"):
    """Arguments of the template `name`; rendered before a model sees it."""

    name: str
    arguments: dict[str, Any]


class RawText(Struct, tag_field="type", tag="raw_text", gc=False):
    """Text that bypasses templates and schemas."""

    value: str


class ToolCall(Struct, tag_field="type", tag="tool_call", gc=False):
    """A call as the model made it; `arguments` is the model's text, usually JSON."""

    id: str
    name: str
    arguments: str


class ToolResult(Struct, tag_field="type", tag="tool_result", gc=False):
    name: str
    result: str
    id: str


class SummaryText(Struct, tag_field="type", tag="summary_text", gc=False):
    text: str


class Thought(Struct, tag_field="type", tag="thought", omit_defaults=True):
    """Reasoning. With `provider_type` set, only providers of that type get to see it again."""

    text: str | None
    signature: str | None = None
    summary: list[SummaryText] | None = None
    provider_type: str | None = None
    extra_data: Any = None


class Unknown(Struct, tag_field="type", tag="unknown", omit_defaults=True):
    """A provider's own block, passed on verbatim; set names limit it to that model or provider."""

    data: Any
    model_name: str | None = None
    provider_name: str | None = None


class StoragePath(Struct):
    """Where a file lies in object storage: `kind` is the store's configuration, `path` the object's key."""

    kind: dict[str, Any]
    path: str


class File(Struct, tag_field="type", tag="file", omit_defaults=True):
    """A file by `url`, by base64 `data`, or by both `storage_path` and `data` once fetched."""

    url: str | None = None
    mime_type: str | None = None
    data: str | None = None
    detail: Literal["low", "high", "auto"] | None = None
    filename: str | None = None
    storage_path: StoragePath | None = None


class StoredFile(Struct, tag_field="type", tag="file", omit_defaults=True):
    """How a `File` is stored: its place, never its bytes."""

    source_url: str | None
    mime_type: str
    storage_path: StoragePath
    detail: str | None = None
    filename: str | None = None


InputBlock = Text | Template | RawText | ToolCall | ToolResult | Thought | File | Unknown
ModelBlock = Text | ToolCall | ToolResult | Thought | File | Unknown
OutputBlock = Text | ToolCall | Thought | Unknown


class InputMessage(Struct):
    role: Role
    content: list[InputBlock]


class Input(Struct, omit_defaults=True, kw_only=True):
    """A request's input; an object as `system` holds the arguments of the template `system`."""

    system: str | dict[str, Any] | None = None
    messages: list[InputMessage]


class ModelMessage(Struct):
    """A message after templating, as providers map it."""

    role: Role
    content: list[ModelBlock]


class ToolCallOutput(Struct, tag_field="type", tag="tool_call"):
    """A tool call in an answer: `name` and `arguments` are null where they fail the tools of the request."""

    id: str
    raw_name: str
    raw_arguments: str
    name: str | None
    arguments: Any


ChatBlock = Text | ToolCallOutput | Thought | Unknown


class JsonOutput(Struct):
    """A json function's output; `parsed` is null where `raw` is not JSON or fails the schema."""

    raw: str | None
    parsed: Any


class TextChunk(Struct, tag_field="type", tag="text", gc=False):
    id: str
    text: str


class ToolCallChunk(Struct, tag_field="type", tag="tool_call", gc=False):
    """`raw_name` is None after the first chunk of a call; the wire then shows an empty string."""

    id: str
    raw_name: str | None
    raw_arguments: str


class ThoughtChunk(Struct, tag_field="type", tag="thought"):
    id: str
    text: str | None = None
    signature: str | None = None
    summary_id: str | None = None
    summary_text: str | None = None
    provider_type: str | UnsetType = UNSET
    extra_data: Any = UNSET


class UnknownChunk(Struct, tag_field="type", tag="unknown"):
    id: str
    data: Any
    model_name: str | UnsetType = UNSET
    provider_name: str | UnsetType = UNSET


BlockChunk = TextChunk | ToolCallChunk | ThoughtChunk | UnknownChunk
