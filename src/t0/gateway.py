"""The gateway of one worker: the configuration as running objects, and the ways out to providers and storage."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cachetools import LRUCache

from t0.config.schema import Config
from t0.config.templates import build_templates
from t0.errors import InvalidInferenceTarget, InvalidWorkflowEvaluationRun, UnknownFunction
from t0.experimentation.base import Experiment
from t0.experimentation.rules import UniformRule
from t0.files.service import Files
from t0.functions.base import Function
from t0.functions.build import build_functions, configured_tools
from t0.functions.chat import ChatFunction
from t0.functions.dynamic import DynamicVariants
from t0.functions.tools import ToolBox
from t0.kinds import all_kinds
from t0.models.cache import InferenceCache
from t0.models.table import ModelTable
from t0.storage.locks import MachineLocks
from t0.storage.reader import Reader, WorkflowRun
from t0.types.record import Record
from t0.upstream.base import ClosableTransport
from t0.variants.chat_completion import ChatCompletionConfig, ChatCompletionVariant
from t0.variants.render import Renderer

if TYPE_CHECKING:
    from t0.recorder.writer import Writer

DEFAULT_FUNCTION = "tensorzero::default"
_SHORTHAND_FUNCTIONS = 1024
"""How many models asked for by `model_name` keep their built-in function at hand."""


class Gateway:
    """Everything a request needs besides itself. One per worker; nothing in it changes while it serves."""

    def __init__(
        self,
        config: Config,
        *,
        env: Mapping[str, str],
        data_dir: Path,
        transport: ClosableTransport,
        writer: Writer,
        reader: Reader | None,
        snapshot_hash: str,
        cache: InferenceCache | None = None,
    ) -> None:
        """`reader` is None when nothing is stored, `cache` when nothing is cached.

        Raises `ConfigError` and `ApiKeyMissing`.
        """
        self.config = config
        self.data_dir = data_dir
        self.snapshot_hash = snapshot_hash
        self.reader = reader
        self.stores = reader is not None
        self.cache = cache
        self.transport = transport
        self.files = Files(config, env, transport, stores=self.stores)
        self.locks = MachineLocks(data_dir / "locks")
        self._writer = writer
        self._waits = not config.gateway.observability.async_writes and not _batches(config)
        self.templates = build_templates(config)
        self.models = ModelTable(config, env, transport)
        self.tools = configured_tools(config)
        self.functions = build_functions(config, self.models, self.tools, self.templates)
        self.dynamic_variants = DynamicVariants(config, all_kinds(), self.models, self.templates)
        self._model_functions: LRUCache[str, Function] = LRUCache(_SHORTHAND_FUNCTIONS)

    async def close(self) -> None:
        """Ends the connections and gives the worker's ring back."""
        await self.files.close()
        await self.transport.close()
        if self.cache is not None:
            await self.cache.close()
        if self.reader is not None:
            await self.reader.close()
        self.locks.close()
        self._writer.close()

    # -- functions -----------------------------------------------------------------------------------------------------

    def function(self, name: str) -> Function:
        """The configured function; the built-in one has no variants of its own. Raises `UnknownFunction`."""
        if name == DEFAULT_FUNCTION:
            return self._default_function({})
        found = self.functions.get(name)
        if found is None:
            raise UnknownFunction(name)
        return found

    def function_of_model(self, model_name: str) -> Function:
        """The built-in chat function around one model. Raises `InvalidInferenceTarget` for an unknown one."""
        found = self._model_functions.get(model_name)
        if found is not None:
            return found
        model = self.models.find(model_name)
        if model is None:
            raise InvalidInferenceTarget(f"Invalid model name: Model name '{model_name}' not found in model table")
        config = ChatCompletionConfig(model=model_name)
        variant = ChatCompletionVariant(model_name, config, model, Renderer(self.templates, {}))
        function = self._default_function({model_name: variant})
        self._model_functions[model_name] = function
        return function

    def _default_function(self, variants: Mapping[str, ChatCompletionVariant]) -> Function:
        return ChatFunction(
            DEFAULT_FUNCTION,
            tool_box=ToolBox(self.tools, [], "auto", None),
            schemas={},
            variants=variants,
            experiment=Experiment(UniformRule()),
        )

    # -- storage -------------------------------------------------------------------------------------------------------

    def append(self, record: Record) -> None:
        """Hands a record to the recorder."""
        self._writer.append(record)

    def store(self, record: Record) -> Awaitable[object] | None:
        """Hands a record to the recorder; with synchronous writes, what ends once it is stored, or cannot be."""
        receipt = self._writer.append(record)
        return self._writer.wait_stored(receipt) if self._waits else None

    async def workflow_run_of(self, episode_id: str) -> WorkflowRun:
        """The workflow evaluation run an episode belongs to. Raises `InvalidWorkflowEvaluationRun`."""
        run = await self.reader.workflow_run(episode_id) if self.reader is not None else None
        if run is None:
            raise InvalidWorkflowEvaluationRun(episode_id)
        return run


def _batches(config: Config) -> bool:
    batch = config.gateway.observability.batch_writes
    return batch is not None and batch.enabled
