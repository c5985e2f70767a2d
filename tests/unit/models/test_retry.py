"""When a model call is tried again, how often, and after which pause."""

import pytest

from kit import run_timed
from t0.errors import (
    AllModelProvidersFailed,
    AllRetriesFailed,
    ApiKeyMissing,
    InferenceError,
    ModelTimeout,
    ProviderFailure,
    RateLimitExceeded,
    RequestError,
)
from t0.models.retry import RetryPolicy, with_retries

REFUSED = ProviderFailure("client", "no", "openai", upstream_status=400)
LIMITED = RateLimitExceeded("limit")


def attempts(*outcomes):
    """What takes one outcome after the other, and those that are left."""
    left = list(outcomes)

    async def attempt():
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return attempt, left


def tried(retries, *outcomes):
    """The result or error, and how many attempts there were."""
    attempt, left = attempts(*outcomes)

    async def all_of_them():
        try:
            return await with_retries(RetryPolicy(retries), attempt)
        except RequestError as e:
            return e

    outcome, took_s = run_timed(all_of_them())
    return outcome, len(outcomes) - len(left), took_s


@pytest.mark.parametrize(
    ("attempt", "cap", "base"),
    [
        (0, 10.0, 1.0),
        (1, 10.0, 2.0),
        (2, 10.0, 4.0),
        (3, 10.0, 8.0),
        (4, 10.0, 10.0),
        (0, 0.25, 1.0),
        (1, 0.25, 0.25),
        (1, 0.0, 0.0),
        (5000, 10.0, 10.0),
    ],
)
def test_pauses_double_up_to_the_cap_and_as_much_again_by_chance(attempt, cap, base):
    pauses = [RetryPolicy(9, cap).delay_s(attempt) for _ in range(200)]
    assert base <= min(pauses) <= max(pauses) <= 2 * base
    assert max(pauses) - min(pauses) >= base / 2


def test_the_first_success_ends_it():
    assert tried(3, REFUSED, REFUSED, "ok", "unused")[:2] == (("ok", [REFUSED, REFUSED]), 3)


def test_without_retries_the_only_error_comes_as_it_is():
    assert tried(0, REFUSED, "unused")[:2] == (REFUSED, 1)


def test_the_pauses_are_kept():
    assert 1 + 2 + 4 <= tried(3, *[REFUSED] * 4)[2] <= 2 * (1 + 2 + 4)


def test_the_errors_of_all_attempts():
    error, count, _ = tried(2, REFUSED, InferenceError("odd"), ModelTimeout("m", "non_streaming.total_ms", 5))
    assert (type(error), count, error.status, error.retryable) == (AllRetriesFailed, 3, 408, False)
    assert error.text == (
        "All retries failed with errors: Error 400 Bad Request from openai client: no, odd, "
        "Model m timed out due to configured `non_streaming.total_ms` timeout (5ms)"
    )


RETRIED = {
    "a provider's 4xx": (REFUSED, True),
    "missing credential": (ApiKeyMissing("OpenAI", "none"), True),
    "timeout": (ModelTimeout("m", "non_streaming.total_ms", 5), True),
    "rate limit": (LIMITED, False),
    "all retries failed": (AllRetriesFailed([REFUSED]), False),
    "all providers failed": (AllModelProvidersFailed({"a": REFUSED}), True),
    "one of the providers": (AllModelProvidersFailed({"a": LIMITED, "b": REFUSED}), True),
    "no provider but the limit": (AllModelProvidersFailed({"a": LIMITED, "b": LIMITED}), False),
}


@pytest.mark.parametrize(("error", "retried"), RETRIED.values(), ids=RETRIED)
def test_which_errors_are_retried(error, retried):
    outcome, count, _ = tried(1, error, "ok")
    assert (outcome, count) == ((("ok", [error]), 2) if retried else (error, 1))


def test_what_is_not_retried_ends_the_retries():
    error, count, _ = tried(5, REFUSED, LIMITED, "unused")
    assert (type(error), error.status, error.attempts, count) == (AllRetriesFailed, 429, [REFUSED, LIMITED], 2)
