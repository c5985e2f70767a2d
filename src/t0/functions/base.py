"""What chat and json functions share: schemas, the check of inputs, the variants."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from t0.errors import InvalidMessage, UnknownVariant
from t0.experimentation.base import Experiment
from t0.schemas import CompiledSchema
from t0.types.content import ChatBlock, Input, JsonOutput, OutputBlock, Template, Text
from t0.types.inference import InferenceRequest
from t0.types.tools import ToolConfig
from t0.variants.base import Variant


class PreparedTools(Struct, frozen=True):
    """The tools of one request; `static_names` are those that the configuration declares."""

    config: ToolConfig | None = None
    static_names: tuple[str, ...] = ()


class FunctionOutput(Struct, kw_only=True):
    """What a function makes of model output. `auxiliary` are a json function's blocks beside the JSON itself."""

    output: list[ChatBlock] | JsonOutput
    auxiliary: list[OutputBlock] = []


class Function(ABC):
    """`[functions.F]`, ready to serve."""

    type: Literal["chat", "json"]

    def __init__(
        self,
        name: str,
        *,
        schemas: Mapping[str, CompiledSchema],
        variants: Mapping[str, Variant],
        experiment: Experiment,
    ) -> None:
        self.name = name
        self.schemas = schemas
        self.variants = variants
        self.experiment = experiment
        self._template_names = frozenset(n for v in variants.values() for n in v.template_names)

    def variant(self, name: str) -> Variant:
        found = self.variants.get(name)
        if found is None:
            raise UnknownVariant(name)
        return found

    # -- input ---------------------------------------------------------------------------------------------------------

    def check_input(self, input_: Input) -> None:
        """Raises `JsonSchemaValidation` or `InvalidMessage` for the first thing that no variant could take."""
        self._check_system(input_.system)
        for i, message in enumerate(input_.messages):
            for block in message.content:
                if isinstance(block, Text):
                    if (schema := self.schemas.get(message.role)) is not None:
                        schema.validate(block.text)
                elif isinstance(block, Template):
                    self._check_arguments(block, i)

    def _check_system(self, system: str | dict[str, Any] | None) -> None:
        schema = self.schemas.get("system")
        if schema is not None:
            if system is None:
                raise InvalidMessage("`input.system` is empty but a system template is present.")
            schema.validate(system)
        elif isinstance(system, dict) and "system" not in self._template_names:
            raise InvalidMessage(
                "System message has non-string content but there is no template `system` in any variant"
            )

    def _check_arguments(self, block: Template, index: int) -> None:
        schema = self.schemas.get(block.name)
        if schema is not None:
            schema.validate(block.arguments)
        elif block.name not in self._template_names:
            raise InvalidMessage(
                f"Message at index {index} has non-string content but there is no template `{block.name}` "
                "in any variant"
            )

    # -- what differs --------------------------------------------------------------------------------------------------

    @abstractmethod
    def check_json_mode(self, request: InferenceRequest) -> None:
        """Raises `InvalidRequest` where `json_mode = "tool"` does not go with the rest of the request."""

    @abstractmethod
    def tools(self, request: InferenceRequest) -> PreparedTools:
        """The tools this request offers. Raises `ToolNotFound`, `DuplicateTool`, `InvalidRequest`."""

    @abstractmethod
    def output_schema(self, request: InferenceRequest) -> Any:
        """The JSON Schema of the output, or None."""

    @abstractmethod
    def output(self, blocks: list[OutputBlock], request: InferenceRequest, tools: PreparedTools) -> FunctionOutput:
        """The answer that model output amounts to; what does not validate becomes null, never an error."""
