"""The made-up answers of the `dummy` provider, by model name."""

from t0.types.content import BlockChunk, OutputBlock, Text, TextChunk, Thought, ThoughtChunk, ToolCall, ToolCallChunk
from t0.types.model import Usage

DEFAULT_TEXT = (
    "Megumin gleefully chanted her spell, unleashing a thunderous explosion that lit up the sky and left a massive "
    "crater in its wake."
)
ALTERNATE_TEXT = "Megumin chanted her spell, but instead of an explosion, a gentle rain began to fall."

JSON_TEXTS = {
    "json": '{"answer":"Hello"}',
    "json_reasoner": '{"answer":"Hello"}',
    "json_goodbye": '{"answer":"Goodbye"}',
    "json_diff_schema": '{"response":"Hello"}',
    "json_cot": '{"thinking":"hmmm", "response": {"answer":"tokyo!"}}',
    "json_beatles_1": '{"names":["John", "George"]}',
    "json_beatles_2": '{"names":["Paul", "Ringo"]}',
    "best_of_n_0": '{"thinking": "hmmm", "answer_choice": 0}',
    "best_of_n_1": '{"thinking": "hmmm", "answer_choice": 1}',
    "best_of_n_big": '{"thinking": "hmmm", "answer_choice": 100}',
    "flaky_best_of_n_judge": '{"thinking": "hmmm", "answer_choice": 0}',
    "llm_judge::true": '{"score": true}',
    "llm_judge::false": '{"score": false}',
    "llm_judge::zero": '{"score": 0}',
    "llm_judge::one": '{"score": 1}',
}
TEXTS = {**JSON_TEXTS, "alternate": ALTERNATE_TEXT, "empty": ""}

TOOL_CALLS = {
    "tool": ToolCall("0", "get_temperature", '{"location":"Brooklyn","units":"celsius"}'),
    "good_tool": ToolCall("0", "output_schema_tool", '{"sentiment":"positive","confidence":0.95}'),
    "bad_tool": ToolCall("0", "get_temperature", '{"location":"Brooklyn","units":"Celsius"}'),
    "invalid_tool_arguments": ToolCall("0", "get_temperature", "Not valid 'JSON'"),
}
SIGNATURES = {"reasoner": None, "json_reasoner": None, "reasoner_with_signature": "my_signature"}

_USAGE = '"usage":{"prompt_tokens":10,"completion_tokens":10,"total_tokens":20}'

DEFAULT_RAW = (
    '{"id":"id","object":"text.completion","created":1618870400,"model":"text-davinci-002",'
    f'"choices":[{{"text":"{DEFAULT_TEXT}","index":0,"logprobs":null,"finish_reason":null}}],{_USAGE}}}'
)


def answer_blocks(model: str) -> list[OutputBlock]:
    """The blocks of a complete answer."""
    if model == "null":
        return []
    if model in TOOL_CALLS:
        return [TOOL_CALLS[model]]
    text = Text(TEXTS.get(model, DEFAULT_TEXT))
    if model in SIGNATURES:
        return [Thought("hmmm", SIGNATURES[model], provider_type="dummy"), text]
    return [text]


def raw_answer(model: str) -> str | None:
    """The raw response of models that show their answer itself."""
    if model in ("tool", "json"):
        text = TOOL_CALLS[model].arguments if model in TOOL_CALLS else TEXTS[model]
        return f"{text.removesuffix('}')},{_USAGE}}}"
    if model in ("good_tool", "bad_tool"):
        return TOOL_CALLS[model].arguments
    return TEXTS[model] if model in ("json_goodbye", "json_cot") or model.startswith("best_of_n_") else None


def answer_usage(model: str, blocks: int) -> Usage:
    """Ten tokens in, one out for each block, unless the name says otherwise."""
    special = {
        "input_tokens_zero": Usage(0, blocks),
        "output_tokens_zero": Usage(10, 0),
        "input_tokens_output_tokens_zero": Usage(0, 0),
        "input_five_output_six": Usage(5, 6),
    }
    return special.get(model) or Usage(10, blocks)


# -- streamed ----------------------------------------------------------------------------------------------------------

STREAMED_TEXT = (
    *("Wally,", " the", " golden", " retriever,", " wagged", " his", " tail", " excitedly"),
    *(" as", " he", " devoured", " a", " slice", " of", " cheese", " pizza."),
)
STREAMED_JSON = ('{"name"', ':"John"', ',"age"', ":30", "}")
STREAMED_TOOLS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "tool": (("get_temperature",), ('{"location"', ':"Brooklyn"', ',"units"', ':"celsius', '"}')),
    "tool_split_name": (("get_temp", "erature"), ('{"location"', ':"Brooklyn"', ',"units"', ':"celsius', '"}')),
    "good_tool": (("get_temperature",), ('{"sentiment"', ':"positive"', ',"confidence"', ":0.95", "}")),
}


def stream_blocks(model: str) -> list[BlockChunk]:
    """The blocks of a streamed answer, one a chunk."""
    if model in STREAMED_TOOLS:
        names, pieces = STREAMED_TOOLS[model]
        padded = (*names, *[None] * (len(pieces) - len(names)))
        return [ToolCallChunk("0", name, piece) for name, piece in zip(padded, pieces, strict=True)]
    thoughts = [ThoughtChunk("0", "hmmm", provider_type="dummy")] * 2 if model in ("reasoner", "json_reasoner") else []
    pieces = STREAMED_JSON if model in ("json", "json_reasoner") else STREAMED_TEXT
    return [*thoughts, *(TextChunk("0", piece) for piece in pieces)]
