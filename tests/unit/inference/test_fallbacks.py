"""What is tried after a failure, what the caller reads when all has failed, and what is not tried."""

import pytest

from kit import HI as INPUT
from kit import breaks, chat, fails, hangs, make, model, renamed, run, run_timed, says, streams, tells, variant
from t0.errors import ConnectFailed, ConnectionLost, NoFallbackVariants, RateLimitExceeded, UpstreamTimeout
from t0.experimentation.base import Experiment

EPISODE = "01950000-0000-7000-8000-000000000001"
"""With it, the uniform rule tries the variants `c`, `b`, `a` of `draft_email` in this order."""

TWO = model("m", "p", "q") + chat()
THREE = model() + chat(
    *(variant(v, f"temperature = {i}", function="draft_email") for i, v in enumerate("abc")), name="draft_email"
)
LIMITED = breaks(RateLimitExceeded("limit"))
TOO_SLOW = (
    "Request timed out due to `gateway.global_outbound_http_timeout_ms`. "
    "Consider increasing this value in your configuration if you expect inferences to take longer to complete."
)


def ask(folder, config, replies, *, path="/inference", **body):
    """Status, error text or variant, and the models that were asked."""
    kit = make(folder, config, *replies)
    target = {} if {"model_name", "model", "function_name"} & set(body) else {"function_name": "f"}
    answer, took_s = run_timed(kit.call(path, {**target, "input": INPUT, **body}))
    if body.get("stream") and answer.status == 200:
        return answer.status, answer.events()[0]["variant_name"], kit.transport.models, took_s
    decoded = answer.json()
    return answer.status, decoded.get("error") or decoded["variant_name"], kit.transport.models, took_s


@pytest.fixture(params=[False, True], ids=["complete", "streamed"])
def form(request):
    """Whether the answer is streamed, how a provider gives a good one, and how it refuses one."""
    if request.param:
        head = "Inference stream closed due to error from vllm server: Invalid status code: "
        return {"stream": True}, tells("Hello"), lambda line, text: f"{head}{line}: {text}"
    return {}, says(), lambda line, text: f"Error {line} from vllm client: {text}"


# -- providers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failed", [fails(401, "no"), fails(503, "no"), breaks(ConnectFailed("refused"))], ids=str)
def test_the_next_provider_answers(tmp_path, form, failed):
    fields, good, _ = form
    assert ask(tmp_path, TWO, [failed, good], **fields)[:3] == (200, "v", ["m-p", "m-q"])


def test_the_errors_of_all_providers(tmp_path, form):
    fields, _, text = form
    errors = f"p: {text('401 Unauthorized', 'bad key')}, q: {text('429 Too Many Requests', 'slow down')}"
    replies = [fails(401, "bad key"), fails(429, "slow down")]
    listed = f"All model providers failed to infer with errors: {errors}"
    assert ask(tmp_path / "1", TWO, replies, **fields)[:2] == (502, f"All variants failed with errors: v: {listed}")
    assert ask(tmp_path / "2", TWO, replies, variant_name="v", **fields)[:2] == (500, listed)
    assert ask(tmp_path / "3", TWO, replies, model_name="m", **fields)[:2] == (
        502,
        f"All variants failed with errors: m: {listed}",
    )


NO_ANSWER = {
    "refused": (ConnectFailed("http://p.test refused"), "Error sending request: http://p.test refused"),
    "lost": (ConnectionLost("gone"), "Error sending request: gone"),
    "too slow": (UpstreamTimeout("late", limit="total"), TOO_SLOW),
}


@pytest.mark.parametrize(("error", "text"), NO_ANSWER.values(), ids=NO_ANSWER)
def test_no_answer_at_all(tmp_path, form, error, text):
    status, found, _, _ = ask(tmp_path, model() + chat(), [breaks(error)], variant_name="v", **form[0])
    expected = f"All model providers failed to infer with errors: p: Error from vllm client: {text}"
    assert (status, found) == (500, expected)


def test_an_answer_that_is_not_the_apis(tmp_path):
    status, text, models, _ = ask(tmp_path, TWO, [fails(200, "<html>"), says()])
    assert (status, text, models) == (200, "v", ["m-p", "m-q"])


STREAM = "Inference stream closed due to error from vllm server: "
NO_STREAM = {
    "no event": (streams(), "Error from p server: Stream ended before first chunk"),
    "lost": (streams(ConnectionLost("gone")), f"{STREAM}gone"),
    "too slow": (streams(UpstreamTimeout("late", limit="read")), f"{STREAM}{TOO_SLOW}"),
    "not a stream": (
        fails(200, "<html>"),
        f"{STREAM}Expected content-type 'text/event-stream', got \"text/plain\": <html>",
    ),
}


@pytest.mark.parametrize(("reply", "text"), NO_STREAM.values(), ids=NO_STREAM)
def test_a_stream_without_a_first_chunk_has_failed(tmp_path, reply, text):
    kit = make(tmp_path, model() + chat(), reply)
    answer = run(kit.call("/inference", {"function_name": "f", "input": INPUT, "stream": True, "variant_name": "v"}))
    assert (answer.status, answer.headers["content-type"]) == (500, "application/json")
    assert answer.json() == {"error": f"All model providers failed to infer with errors: p: {text}"}
    assert [s.is_closed for s in kit.transport.streams] == [True]


def test_a_first_event_that_is_unreadable_has_failed(tmp_path):
    replies = [streams(b"data: {oh\n\n"), tells("Hello")]
    assert ask(tmp_path, TWO, replies, stream=True)[:3] == (200, "v", ["m-p", "m-q"])


# -- variants ----------------------------------------------------------------------------------------------------------


def tried(kit):
    """The variants by the temperatures they send."""
    return "".join("abc"[int(b["temperature"])] for b in kit.transport.bodies)


@pytest.mark.parametrize("failures", [0, 1, 2])
def test_variants_are_tried_in_the_order_of_the_draw(tmp_path, form, failures):
    fields, good, _ = form
    kit = make(tmp_path, THREE, *[fails(500, "no")] * failures, good)
    body = {"function_name": "draft_email", "episode_id": EPISODE, "input": INPUT, **fields}
    answer = run(kit.call("/inference", body))
    assert (answer.status, tried(kit)) == (200, "cba"[: failures + 1])
    record = kit.records[0]
    assert record.row.variant_name == "cba"[failures]
    assert record.count.variant_name == ("c" if failures == 0 else None)
    assert [c.output_tokens for c in record.row.model_inferences] == [7]


def test_the_errors_of_all_variants(tmp_path):
    status, text, _, _ = ask(
        tmp_path, THREE, [fails(500, f"no {i}") for i in range(3)], function_name="draft_email", episode_id=EPISODE
    )
    one = "All model providers failed to infer with errors: p: Error from vllm server: no"
    assert (status, text) == (502, f"All variants failed with errors: c: {one} 0\nb: {one} 1\na: {one} 2")


def test_a_pinned_variant_has_no_fallback(tmp_path):
    status, text, models, _ = ask(
        tmp_path, THREE, [fails(500, "no")], function_name="draft_email", variant_name="a", episode_id=EPISODE
    )
    assert (status, len(models)) == (500, 1)
    assert text == "All model providers failed to infer with errors: p: Error from vllm server: no"


def test_a_variant_that_lacks_the_template_is_passed_over(tmp_path):
    config = model() + chat(variant("a"), variant("b", 'templates.t.path = "t.j"'))
    kit = make(tmp_path, config, says(), files={"t.j": "Hi {{ name }}"})
    block = {"type": "template", "name": "t", "arguments": {"name": "Ann"}}
    answer = run(kit.infer(input={"messages": [{"role": "user", "content": [block]}]}))
    assert (answer.variant_name, kit.transport.bodies[0]["messages"][0]["content"]) == ("b", "Hi Ann")


class NothingRule:
    def pick(self, u, active):
        return None


def test_nothing_to_try(tmp_path):
    kit = make(tmp_path, TWO)
    kit.gateway.functions["f"].experiment = Experiment(NothingRule())
    with pytest.raises(NoFallbackVariants) as caught:
        run(kit.infer())
    assert (caught.value.status, caught.value.text) == (502, "No fallback variants remaining.")


# -- rate limits -------------------------------------------------------------------------------------------------------

RATE = {
    "last": ([fails(500, "no"), LIMITED], 429),
    "only": ([LIMITED, LIMITED], 429),
    "not last": ([LIMITED, fails(500, "no")], 502),
    "a provider's own": ([fails(500, "no"), fails(429, "no")], 502),
}


@pytest.mark.parametrize(("replies", "status"), RATE.values(), ids=RATE)
def test_a_refusal_by_our_own_limits_shows(tmp_path, form, replies, status):
    assert ask(tmp_path, TWO, replies, **form[0])[0] == status


@pytest.mark.parametrize(("replies", "status"), RATE.values(), ids=RATE)
def test_a_refusal_shows_for_a_pinned_variant(tmp_path, form, replies, status):
    expected = 500 if status == 502 else status
    assert ask(tmp_path, TWO, replies, variant_name="v", **form[0])[0] == expected


@pytest.mark.parametrize(("last", "status"), [(LIMITED, 429), (fails(500, "no"), 502)], ids=["last", "not last"])
def test_the_last_variant_decides(tmp_path, last, status):
    replies = [LIMITED, LIMITED, last]
    assert ask(tmp_path, THREE, replies, function_name="draft_email", episode_id=EPISODE)[0] == status


# -- retries -----------------------------------------------------------------------------------------------------------

RETRYING = model() + chat(variant("v", "retries = { num_retries = 2, max_delay_s = 4 }"))


def test_a_retry_answers(tmp_path, form):
    fields, good, _ = form
    status, text, models, took_s = ask(tmp_path, RETRYING, [fails(500, "a"), fails(500, "b"), good], **fields)
    assert (status, text, len(models)) == (200, "v", 3)
    assert 3 <= took_s <= 6


def test_all_retries_fail(tmp_path, form):
    fields, _, text = form
    status, found, models, _ = ask(tmp_path, RETRYING, [fails(429, "a")] * 3, variant_name="v", **fields)
    one = f"All model providers failed to infer with errors: p: {text('429 Too Many Requests', 'a')}"
    assert (status, len(models)) == (500, 3)
    assert found == f"All retries failed with errors: {one}, {one}, {one}"


def test_a_rate_limit_is_not_retried(tmp_path, form):
    status, text, models, took_s = ask(tmp_path, RETRYING, [LIMITED], variant_name="v", **form[0])
    assert (status, len(models)) == (429, 1)
    assert text == "All model providers failed to infer with errors: p: limit"
    assert took_s < 1


# -- timeouts ----------------------------------------------------------------------------------------------------------

COMPLETE = "timeouts = { non_streaming = { total_ms = 300 } }"
FIRST = "timeouts = { streaming = { ttft_ms = 1500 } }"
TOTAL = "timeouts = { streaming = { total_ms = 2000 } }"


def levels(keys):
    """A configuration with the limit at each level, by the level's name."""
    return {
        "provider": model(provider_keys=keys) + chat(),
        "model": model(keys=keys) + chat(),
        "variant": model() + chat(variant("v", keys)),
    }


SUBJECTS = {
    "provider": (500, "All model providers failed to infer with errors: p: Model provider p"),
    "model": (408, "Model m"),
    "variant": (408, "Variant `v`"),
}


@pytest.mark.parametrize("level", SUBJECTS)
@pytest.mark.parametrize(
    ("keys", "fields", "setting", "seconds"),
    [
        (COMPLETE, {}, "`non_streaming.total_ms` timeout (300ms)", 0.3),
        (FIRST, {"stream": True}, "`streaming.ttft_ms` timeout (1.5s)", 1.5),
        (TOTAL, {"stream": True}, "`streaming.total_ms` timeout (2s)", 2.0),
    ],
    ids=["complete", "first chunk", "stream"],
)
def test_a_limit_at_each_level(tmp_path, level, keys, fields, setting, seconds):
    status, subject = SUBJECTS[level]
    found = ask(tmp_path, levels(keys)[level], [hangs()], variant_name="v", **fields)
    assert found[:2] == (status, f"{subject} timed out due to configured {setting}")
    assert found[3] == pytest.approx(seconds, abs=0.25)


def test_a_sampled_variant_that_was_too_slow(tmp_path):
    status, text, _, _ = ask(tmp_path, levels(COMPLETE)["variant"], [hangs()])
    assert (status, text) == (
        502,
        "All variants failed with errors: v: Variant `v` timed out due to configured `non_streaming.total_ms` "
        "timeout (300ms)",
    )


def test_the_provider_after_one_that_was_too_slow(tmp_path):
    config = model("m", "p", "q", provider_keys=COMPLETE) + chat()
    assert ask(tmp_path, config, [hangs(), says()])[:3] == (200, "v", ["m-p", "m-q"])


def test_a_model_that_was_too_slow_is_tried_again(tmp_path):
    config = model(keys=COMPLETE) + chat(variant("v", "retries = { num_retries = 1 }"))
    assert ask(tmp_path, config, [hangs(), says()])[:3] == (200, "v", ["m-p", "m-p"])


def test_a_variants_limit_spans_its_retries(tmp_path):
    keys = "retries = { num_retries = 9 }\ntimeouts = { non_streaming = { total_ms = 5000 } }"
    status, _, models, took_s = ask(tmp_path, model() + chat(variant("v", keys)), [fails(500, "no")] * 9)
    assert status == 502
    assert 2 <= len(models) <= 4
    assert took_s == pytest.approx(5, abs=0.5)


def test_limits_of_one_form_do_not_hold_for_the_other(tmp_path):
    slow = says()
    slow.wait_s = 10
    assert ask(tmp_path / "1", levels(FIRST)["model"], [slow])[0] == 200
    late = tells("Hello")
    late.wait_s = 10
    assert ask(tmp_path / "2", levels(COMPLETE)["model"], [late], stream=True)[0] == 200


# -- credentials -------------------------------------------------------------------------------------------------------


def test_a_missing_dynamic_credential_is_the_providers_failure(tmp_path):
    config = (model() + chat()).replace('"none"', '"dynamic::key"')
    status, text, models, _ = ask(tmp_path, config, [], variant_name="v")
    assert (status, models) == (500, [])
    assert text == (
        "All model providers failed to infer with errors: "
        "p: API key missing for provider VLLM: Dynamic api key `key` is missing"
    )


def test_a_dynamic_credential_is_sent(tmp_path):
    config = (model() + chat()).replace('"none"', '"dynamic::key"')
    kit = make(tmp_path, config, says())
    run(kit.infer(credentials={"key": "abc"}))
    assert dict(kit.transport.requests[0].headers)["authorization"] == "Bearer abc"


# -- faces -------------------------------------------------------------------------------------------------------------


def test_failures_in_the_openai_form(tmp_path, form):
    body = {"model": "tensorzero::model_name::m", "messages": [], **form[0]}
    kit = make(tmp_path, model(), fails(400, "no"))
    answer = run(kit.call("/openai/v1/chat/completions", body))
    listed = f"All model providers failed to infer with errors: p: {form[2]('400 Bad Request', 'no')}"
    assert (answer.status, answer.json()) == (
        502,
        {"error": {"message": f"All variants failed with errors: m: {listed}"}},
    )
    assert renamed(kit.records[0].count) | {"overhead_s": 0} == {
        "kind": "count",
        "endpoint": "inference",
        "function_name": "tensorzero::default",
        "model_name": "m",
        "inferences": 1,
        "overhead_s": 0,
    }
