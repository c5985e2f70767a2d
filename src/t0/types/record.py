"""What a worker hands to the recorder: one record per request, msgpack in the ring.

Rows, metrics and spans are derived from these by `t0.recorder`; a worker does nothing else for observability. Ids are
the text form of UUIDs. Times are wall-clock seconds as float unless the name says otherwise.

PERF: fields are written without their names, which would be a fifth of a usual record. So that a recorder can read what
an older worker left in its ring, a field may only be added behind the others, with a default.
"""

from typing import Any, Literal

from msgspec import Struct

from t0.types.content import ChatBlock, Input, JsonOutput, ModelMessage, OutputBlock
from t0.types.extra import ExtraBody
from t0.types.model import FinishReason
from t0.types.params import ChatCompletionParams
from t0.types.tools import ToolConfig


class ModelInferenceRecord(Struct, kw_only=True, array_like=True):
    """One successful model call. `raw_response` of a stream: its raw chunks joined by newlines."""

    id: str
    model_name: str
    model_provider_name: str
    raw_request: str
    raw_response: str
    system: str | None
    input_messages: list[ModelMessage] | None
    """None: the messages of the inference's input, as they are."""
    output: list[OutputBlock]
    input_tokens: int | None
    output_tokens: int | None
    provider_cache_read_input_tokens: int | None = None
    provider_cache_write_input_tokens: int | None = None
    cost: str | None = None
    """Dollars as a decimal text, so that no digit is lost on the way to `Decimal(18,9)`."""
    response_time_ms: int | None
    ttft_ms: int | None = None
    cached: bool = False
    finish_reason: FinishReason | None = None


class ToolRecord(Struct, kw_only=True, array_like=True):
    """The tool configuration of a chat inference; `static_names` are the configured tools among `config.tools`."""

    config: ToolConfig
    static_names: list[str]


class InferenceRecord(Struct, kw_only=True, array_like=True, tag_field="kind", tag="inference"):
    """One answered inference, to be stored: a row of `ChatInference` or `JsonInference`, rows of `ModelInference`."""

    function_type: Literal["chat", "json"]
    id: str
    episode_id: str
    function_name: str
    variant_name: str
    input: Input
    output: list[ChatBlock] | JsonOutput
    params: ChatCompletionParams
    processing_time_ms: int | None
    ttft_ms: int | None = None
    tags: dict[str, str] = {}
    extra_body: list[ExtraBody] = []
    tools: ToolRecord | None = None
    output_schema: Any = None
    auxiliary_content: list[OutputBlock] = []
    model_inferences: list[ModelInferenceRecord] = []
    snapshot_hash: str | None = None


FeedbackTable = Literal["BooleanMetricFeedback", "FloatMetricFeedback", "CommentFeedback", "DemonstrationFeedback"]


class HumanFeedback(Struct, kw_only=True, array_like=True):
    """The extra `StaticEvaluationHumanFeedback` row of metric feedback given by a person on a datapoint."""

    datapoint_id: str
    output: str
    value: str
    evaluator_inference_id: str


class FeedbackRecord(Struct, kw_only=True, array_like=True, tag_field="kind", tag="feedback"):
    """One feedback, to be stored. `target_type` is set for comments, `metric_name` for metrics.

    `value` of a demonstration is the stored output, as a value or as its JSON text.
    """

    table: FeedbackTable
    id: str
    target_id: str
    value: Any
    metric_name: str | None = None
    target_type: Literal["inference", "episode"] | None = None
    tags: dict[str, str] = {}
    human_feedback: HumanFeedback | None = None
    snapshot_hash: str | None = None


class CountRecord(Struct, kw_only=True, array_like=True, tag_field="kind", tag="count"):
    """What `/metrics` needs to know of one request; appended for failed and unstored ones too.

    `requests` is 0 for what is measured but not counted (dry runs). `overhead_s` is None where it is not recorded.
    """

    endpoint: Literal["inference", "batch_inference", "feedback", "embeddings"]
    function_name: str | None = None
    model_name: str | None = None
    metric_name: str | None = None
    variant_name: str | None = None
    requests: int = 1
    inferences: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    overhead_s: float | None = None


class Record(Struct, kw_only=True, array_like=True):
    """The unit of the ring. `count` feeds the metrics, `row` the database; either may be missing."""

    count: CountRecord | None = None
    row: InferenceRecord | FeedbackRecord | None = None
