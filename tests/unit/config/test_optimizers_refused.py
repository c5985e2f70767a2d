"""Refused configurations: `[optimizers]`."""

import pytest

from unit.config.build import optimizer
from unit.config.conftest import Refusal


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        pytest.param(
            optimizer('type = "zzz"'),
            (
                "optimizers.o: unknown variant `zzz`, expected one of `dicl`, `fireworks_sft`, "
                "`gcp_vertex_gemini_sft`, `gepa`, `openai_rft`, `openai_sft`, `together_sft`"
            ),
            id="type_unknown",
        ),
        pytest.param(optimizer('type = "openai_sft"'), "optimizers.o: missing field `model`", id="model_missing"),
        pytest.param(
            optimizer('type = "together_sft"\nmodel = "m"\nbatch_size = "min"'),
            "optimizers.o.batch_size: unknown variant `min`, expected `max`",
            id="together_batch_size",
        ),
        pytest.param(
            optimizer('type = "together_sft"\nmodel = "m"\nlr_scheduler = { lr_scheduler_type = "zzz" }'),
            ("optimizers.o.lr_scheduler.lr_scheduler_type: unknown variant `zzz`, expected `linear` or `cosine`"),
            id="together_scheduler",
        ),
        pytest.param(
            optimizer('type = "together_sft"\nmodel = "m"\nlr_scheduler = { lr_scheduler_type = "cosine" }'),
            "optimizers.o.lr_scheduler: missing field `min_lr_ratio`",
            id="together_cosine",
        ),
        pytest.param(
            optimizer('type = "together_sft"\nmodel = "m"\ntraining_type = { lora_r = 1 }'),
            "optimizers.o.training_type: missing field `type`",
            id="together_training_type",
        ),
        pytest.param(
            optimizer('type = "openai_rft"\nmodel = "m"\ngrader = { type = "zzz", name = "g" }'),
            (
                "optimizers.o.grader: unknown variant `zzz`, expected one of `string_check`, "
                "`text_similarity`, `score_model`, `label_model`, `python`, `multi`"
            ),
            id="rft_grader_type",
        ),
        pytest.param(
            optimizer(
                'type = "openai_rft"\nmodel = "m"\n'
                'grader = { type = "text_similarity", name = "g", evaluation_metric = "rouge9", '
                'input = "a", reference = "b" }'
            ),
            (
                "optimizers.o.grader.evaluation_metric: unknown variant `rouge9`, expected one of "
                "`fuzzy_match`, `bleu`, `gleu`, `meteor`, `rouge1`, `rouge2`, `rouge3`, `rouge4`, `rouge5`, "
                "`rouge_l`, `rouge_1`, `rouge_2`, `rouge_3`, `rouge_4`, `rouge_5`"
            ),
            id="rft_grader_metric",
        ),
        pytest.param(
            optimizer(
                'type = "openai_rft"\nmodel = "m"\n'
                'grader = { type = "score_model", name = "g", model = "m", input = [], range = [1] }'
            ),
            "optimizers.o.grader.range: invalid length 1, expected `[low, high]`",
            id="rft_grader_range",
        ),
        pytest.param(
            optimizer(
                'type = "openai_rft"\nmodel = "m"\n'
                'grader = { type = "multi", name = "g", calculate_output = "a", graders = { a = {} } }'
            ),
            "optimizers.o.grader.graders.a: missing field `type`",
            id="rft_nested_grader",
        ),
    ],
)
def test_refused(toml: str, text: str, refusal: Refusal) -> None:
    assert refusal(toml) == text
