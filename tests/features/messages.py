"""Features of the messages."""

from base64 import b64encode

from features.base import HELLO, HI, Feature, Json, assistant, content, reply, user

PNG = "iVBORw0KGgo="
PDF = "JVBERi0xLjQK"
WAV = b64encode(b"RIFF\x04\0\0\0WAVEfmt ").decode()


def text_features() -> list[Feature]:
    turns = [HELLO, {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": "Sing"}]
    system = [{"role": "system", "content": "Be"}, {"role": "developer", "content": "brief"}]
    styled = {"messages": [{"role": "system", "content": "Write in French."}, HELLO]}
    style = {"language": "French"}
    return [
        Feature(name="text", native_words="`content`: a string", openai_words="`content`: a string"),
        content(
            "text blocks",
            [user({"type": "text", "text": "Hello"})],
            [user({"type": "text", "text": "Hello"})],
            ("block `text`", "part `text`"),
        ),
        content(
            "templates",
            [user({"type": "template", "name": "order", "arguments": {"number": 7}})],
            [user({"type": "tensorzero::template", "name": "order", "arguments": {"number": 7}})],
            ("block `template`", "part `tensorzero::template`"),
            function="letter",
            sent=({"messages": [{"role": "user", "content": "Order 7"}]},),
        ),
        content(
            "text past the templates",
            [user({"type": "raw_text", "value": "Hello"}, {"type": "text", "text": "Bye"})],
            [user({"type": "tensorzero::raw_text", "value": "Hello"}, {"type": "text", "text": "Bye"})],
            ("block `raw_text`", "part `tensorzero::raw_text`"),
            function="wrapped",
            sent=({"messages": [user({"type": "text", "text": "Hello"}, {"type": "text", "text": "<Bye>"})]},),
        ),
        Feature(
            name="system text",
            native={"input": {"system": "Be\nbrief", "messages": [HELLO]}},
            openai={"messages": [*system, HELLO]},
            native_words="`input.system`: a string",
            openai_words="roles `system` and `developer`",
            sent=({"messages": [{"role": "system", "content": "Be\nbrief"}, HELLO]},),
        ),
        Feature(
            name="system template",
            native={"input": {"system": style, "messages": [HELLO]}},
            openai={
                "messages": [
                    {
                        "role": "system",
                        "content": [{"type": "tensorzero::template", "name": "system", "arguments": style}],
                    },
                    HELLO,
                ]
            },
            native_words="`input.system`: an object",
            openai_words="role `system`, part `tensorzero::template`",
            function="styled",
            sent=(styled,),
        ),
        content("several turns", turns, turns, ("`input.messages`", "`messages`"), sent=({"messages": turns},)),
        *file_features(),
        unknown_feature(),
    ]


def file_features() -> list[Feature]:
    url = "https://example.com/cat.png"
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}}
    linked = {"type": "image_url", "image_url": {"url": url, "detail": "low"}}
    document = {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PDF}", "filename": "a.pdf"}}
    audio = {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}}
    return [
        file("image by base64", based("image/png", PNG, detail="low"), image, "part `image_url`, a `data:` URL"),
        file("image by URL", {"file_type": "url", "url": url, "detail": "low"}, linked, "part `image_url`"),
        file("document", based("application/pdf", PDF, filename="a.pdf"), document, "part `file`"),
        file("audio", based("audio/wav", WAV), audio, "part `input_audio`"),
    ]


def based(mime_type: str, data: str, **more: str) -> Json:
    return {"file_type": "base64", "mime_type": mime_type, "data": data, **more}


def file(name: str, native: Json, part: Json, words: str) -> Feature:
    """A file that this provider takes as the OpenAI face does."""
    return content(
        name,
        [user({"type": "file", **native})],
        [user(part)],
        (f"block `file`, `{native['file_type']}`", words),
        sent=({"messages": [user(part)]},),
    )


def unknown_feature() -> Feature:
    odd = {"type": "odd", "x": 1}
    extra = {"role": "assistant", "content": "Yes?", "tensorzero_extra_content": [{"type": "unknown", "data": odd}]}
    return content(
        "blocks that only the provider knows",
        [HELLO, assistant({"type": "unknown", "data": odd}, {"type": "text", "text": "Yes?"})],
        [HELLO, extra],
        ("block `unknown`", "`tensorzero_extra_content` of an assistant message"),
        sent=({"messages": [HELLO, {"role": "assistant", "content": [odd, {"type": "text", "text": "Yes?"}]}]},),
    )


def thought_features() -> list[Feature]:
    thought = {"type": "thought", "text": "Hmm", "provider_type": "vllm"}
    extra = {"role": "assistant", "content": "Yes?", "tensorzero_extra_content": [thought]}
    replayed = {"role": "assistant", "content": "Yes?", "reasoning": "Hmm"}
    thinks = reply({"content": "Hi", "reasoning": "Hmm"}, [{"reasoning": "Hm"}, {"reasoning": "m"}, {"content": "Hi"}])
    return [
        Feature(
            name="thoughts in the answer",
            native_words="always",
            openai_words="always, in `tensorzero_extra_content`",
            model="thinker",
            variant="thinker",
            replies=(thinks,),
            said=(thought, HI),
        ),
        content(
            "thoughts sent back",
            [HELLO, assistant(thought, {"type": "text", "text": "Yes?"})],
            [HELLO, extra],
            ("block `thought`", "`tensorzero_extra_content` of an assistant message"),
            model="thinker",
            variant="thinker",
            sent=({"messages": [HELLO, replayed]},),
        ),
    ]
