"""`type = "together_sft"`: supervised fine-tuning at Together."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Struct

from t0.config.decode import Decoder
from t0.config.fields import F64, U32, U64, Parsed
from t0.config.schema import OptimizerConfig
from t0.config.values import IntRange, choice, expect, integer
from t0.errors import ConfigError


class LinearSchedule(Struct, frozen=True, kw_only=True, tag_field="lr_scheduler_type", tag="linear"):
    min_lr_ratio: F64 = 0.0


class CosineSchedule(Struct, frozen=True, kw_only=True, tag_field="lr_scheduler_type", tag="cosine"):
    min_lr_ratio: F64
    num_cycles: F64


class TrainingMethod(Struct, frozen=True, kw_only=True):
    method: Literal["sft"] = "sft"
    train_on_inputs: str | bool = "auto"


class LoraTraining(Struct, frozen=True, kw_only=True, tag_field="type", tag="Lora"):
    lora_r: U64 = 8
    lora_alpha: U64 = 16
    lora_dropout: F64 = 0.0
    lora_trainable_modules: str = "all-linear"


class FullTraining(Struct, frozen=True, tag_field="type", tag="Full"):
    pass


def _tagged(decoder: Decoder, value: Any, path: str, classes: tuple[type[Struct], ...]) -> Any:
    """The table as the class whose tag it carries."""
    table = expect(dict, value, path, "a table")
    members = {str(c.__struct_config__.tag): c for c in classes}
    key = str(classes[0].__struct_config__.tag_field)
    if key not in table:
        raise ConfigError(f"missing field `{key}`", key=path)
    cls = members[choice(table[key], tuple(members), f"{path}.{key}")]
    return decoder.struct(cls, {k: v for k, v in table.items() if k != key}, path)


def _parse_schedule(decoder: Decoder, value: Any, path: str) -> Any:
    return _tagged(decoder, value, path, (LinearSchedule, CosineSchedule))


def _parse_training(decoder: Decoder, value: Any, path: str) -> Any:
    return _tagged(decoder, value, path, (LoraTraining, FullTraining))


def _parse_batch_size(decoder: Decoder, value: Any, path: str) -> int | str:
    if isinstance(value, str):
        return choice(value, ("max",), path)
    return integer(value, path, IntRange("u32 or `max`", 0, 2**32 - 1))


Schedule = Annotated[LinearSchedule | CosineSchedule, Parsed(_parse_schedule)]
Training = Annotated[LoraTraining | FullTraining, Parsed(_parse_training)]


class TogetherSftConfig(OptimizerConfig, frozen=True, kw_only=True):
    type = "together_sft"
    supported = False

    model: str
    n_epochs: U32 = 1
    n_checkpoints: U32 = 1
    n_evals: U32 | None = None
    batch_size: Annotated[int | str, Parsed(_parse_batch_size)] = "max"
    learning_rate: F64 = 1e-5
    warmup_ratio: F64 = 0.0
    max_grad_norm: F64 = 1.0
    weight_decay: F64 = 0.0
    suffix: str | None = None
    wandb_name: str | None = None
    lr_scheduler: Schedule = LinearSchedule()
    training_method: TrainingMethod = TrainingMethod()
    training_type: Training = LoraTraining()
    from_checkpoint: str | None = None
    from_hf_model: str | None = None
    hf_model_revision: str | None = None
    hf_output_repo_name: str | None = None
