"""The draw of a variant: hash of function and episode, and the pick by weight."""

import pytest

from reference import sampling as reference
from t0._core import sampling

EPISODE = "01950000-0000-7000-8000-000000000001"
MODULES = pytest.mark.parametrize("module", [sampling, reference], ids=["kernel", "python"])


@pytest.mark.benchmark(group="sampling.uniform")
@MODULES
def test_uniform(benchmark, module):
    assert benchmark(module.uniform, "draft_email", EPISODE) == 0.7230919292196631


@pytest.mark.benchmark(group="sampling.pick_weighted")
@MODULES
def test_pick_weighted(benchmark, module):
    assert benchmark(module.pick_weighted, 0.72, [0.5, 0.2, 0.3]) == 2
