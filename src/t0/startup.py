"""From the arguments of `t0 gateway` to a running launcher: configuration, database, addresses."""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import logging
import os
import sys
from collections.abc import Mapping

from t0.config.environment import Environment, read_environment
from t0.config.load import load
from t0.config.schema import Config
from t0.config.schema.gateway import DEFAULT_BIND_ADDRESS, parse_socket_address
from t0.config.snapshot import Snapshot, snapshot
from t0.config.templates import build_templates
from t0.errors import ConfigError, StorageError, StorageUnavailable
from t0.files.probe import check_object_storage
from t0.kinds import all_kinds
from t0.launcher import Launcher, LaunchOptions
from t0.logs import set_up_logging
from t0.models.table import ModelTable
from t0.storage.cache.select import check_cache, choose_cache
from t0.storage.prepare import Preparation, migrate, prepare
from t0.upstream.select import make_transport
from t0.version import VERSION

log = logging.getLogger("t0")


def gateway(options: argparse.Namespace, env: Mapping[str, str]) -> int:
    """Runs `t0 gateway`; the exit code. Raises `ConfigError`."""
    environment = read_environment(env)
    set_up_logging(options.log_format, environment.log_level or logging.INFO)
    try:
        if options.run_clickhouse_migrations:
            return _migrate(environment)
        return _gateway(options, env, environment)
    except (ConfigError, StorageError, StorageUnavailable) as e:
        log.error("%s", e)
        return 1


def _migrate(environment: Environment) -> int:
    url = environment.clickhouse_url
    if url is None:
        raise ConfigError("Missing environment variable `TENSORZERO_CLICKHOUSE_URL`.")
    ids = migrate(Preparation(url=url, environment=environment, is_manual=True))
    log.info("%d migrations were run", len(ids))
    return 0


def _gateway(options: argparse.Namespace, env: Mapping[str, str], environment: Environment) -> int:
    config = _load(options, env)
    if config.gateway.debug and environment.log_level is None:
        logging.getLogger("t0").setLevel(logging.DEBUG)
    host, port = _bind_address(options, environment, config)
    taken = _check_runnable(config, env)
    check_object_storage(config, env)
    stores = _stores(config, environment)
    cache = choose_cache(config, environment, stores=stores)
    if cache is not None:
        asyncio.run(check_cache(cache))
    launch = LaunchOptions(
        config=config,
        snapshot=taken,
        environment=environment,
        data_dir=options.data_dir.absolute(),
        host=host,
        port=port,
        workers=options.workers or _cpus(),
        stores=stores,
        cache=cache,
        log_format=options.log_format,
    )
    if stores and environment.clickhouse_url is not None:
        prepare(launch.preparation(environment.clickhouse_url))
    _tell(launch)
    if options.validate_and_exit:
        log.info("Configuration is valid. Exiting.")
        return 0
    return Launcher(launch).run()


def _cpus() -> int:
    """How many CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _load(options: argparse.Namespace, env: Mapping[str, str]) -> Config:
    if options.config_file is not None and options.default_config:
        raise ConfigError("You must not specify both `--config-file` and `--default-config`.")
    if options.config_file is None and not options.default_config:
        raise ConfigError("You must specify either `--config-file` or `--default-config`.")
    return load(options.config_file, all_kinds(), env)


def _check_runnable(config: Config, env: Mapping[str, str]) -> Snapshot:
    """The snapshot of a configuration that workers can run: its providers and credentials are there.

    Raises `ConfigError` here, once, instead of in every worker.
    """
    asyncio.run(_check_models(config, env))
    return snapshot(config, build_templates(config).extra_sources())


async def _check_models(config: Config, env: Mapping[str, str]) -> None:
    transport = make_transport(env)
    try:
        await ModelTable(config, env, transport).check()
    finally:
        await transport.close()


def _bind_address(options: argparse.Namespace, environment: Environment, config: Config) -> tuple[str, int]:
    flag, variable, key = options.bind_address, environment.gateway_bind_address, config.gateway.bind_address
    if sum(given is not None for given in (flag, variable, key)) > 1:
        raise ConfigError(
            "You must only specify one of `--bind-address` (CLI), `TENSORZERO_GATEWAY_BIND_ADDRESS` "
            "(environment variable), or `gateway.bind_address` (configuration)."
        )
    if flag is not None:
        address: tuple[str, int] = flag
        return address
    try:
        return parse_socket_address(variable or key or DEFAULT_BIND_ADDRESS)
    except ValueError as e:
        raise ConfigError(str(e), key="TENSORZERO_GATEWAY_BIND_ADDRESS") from e


def _stores(config: Config, environment: Environment) -> bool:
    """Whether inferences are stored: in the database of the environment, else in the embedded store if installed."""
    enabled = config.gateway.observability.enabled
    if enabled is False:
        return False
    if environment.clickhouse_url is not None or importlib.util.find_spec("chdb") is not None:
        return True
    hint = "Set `TENSORZERO_CLICKHOUSE_URL`, or install the embedded store: `pip install 't0-gateway[embedded]'`."
    if enabled:
        raise ConfigError(f"Observability is enabled but no backend is available. {hint}")
    log.warning("no database is configured: inferences are not stored. %s", hint)
    return False


def _tell(launch: LaunchOptions) -> None:
    source, observability = launch.config.source, launch.config.gateway.observability
    batch = observability.batch_writes
    log.info("TensorZero-compatible gateway t0 %s", VERSION)
    log.info("├ configuration: %s", source.glob or "default")
    for path in source.paths:
        log.info("│   %s", path)
    log.info("├ base path: %s", launch.config.gateway.base_path)
    where = "off" if not launch.stores else "embedded store" if launch.embeds_store else "ClickHouse"
    log.info("├ observability: %s", where)
    mode = "batched" if batch is not None and batch.enabled else "async" if observability.async_writes else "sync"
    log.info("├ writes: %s", mode)
    log.info("├ inference cache: %s", "off" if launch.cache is None else launch.cache.name)
    log.info("└ workers: %d", launch.workers)
