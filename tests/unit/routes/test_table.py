"""Which path leads to which route."""

import pytest

from t0.routes.table import PARAMETERIZED, ROUTES, find_route

NOWHERE = ("/", "/batch_inference/", "/batch_inference/a/", "/batch_inference/a/b", "/batch_inference/a/inference/", "")


@pytest.mark.parametrize("path", ROUTES)
def test_exact_paths(path: str) -> None:
    assert find_route(path) is ROUTES[path]


VALUES = {
    "/batch_inference/a": {"batch_id": "a"},
    "/batch_inference/a b%/inference/c.d": {"batch_id": "a b%", "inference_id": "c.d"},
}


@pytest.mark.parametrize(("path", "values"), VALUES.items())
def test_values_in_paths_reach_the_handler(path: str, values: dict[str, str]) -> None:
    route = find_route(path)
    assert route is not None
    assert {method: handler.keywords for method, handler in route.methods.items()} == {"GET": values}
    assert route.allow == b"GET,HEAD"


@pytest.mark.parametrize("path", NOWHERE)
def test_other_paths(path: str) -> None:
    assert find_route(path) is None


def test_no_exact_path_hides_a_parameterized_one() -> None:
    assert [p for p in ROUTES if "{" in p] == []
    assert [p for p in PARAMETERIZED if "{" not in p] == []
