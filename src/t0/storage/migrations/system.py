"""Tables about the database itself, and the SQL function the others use."""

from t0.storage.migrations.ddl import MAP, MICROSECONDS, TAGS, Table

# Inverse of `toUInt128(uuid)`. As bytes, an integer is little-endian; a UUID is two such halves, the high one first.
FUNCTIONS = {
    "uint_to_uuid": (
        "(x) -> reinterpretAsUUID(concat(substring(reinterpretAsFixedString(x), 9, 8), "
        "substring(reinterpretAsFixedString(x), 1, 8)))"
    )
}

MIGRATIONS = Table(
    name="TensorZeroMigration",
    columns={
        "migration_id": "UInt32",
        "migration_name": "String",
        "gateway_version": "String",
        "gateway_git_sha": "String",
        "applied_at": f"{MICROSECONDS} DEFAULT now()",
        "execution_time_ms": "UInt64",
        "extra_data": "Nullable(String)",
    },
    primary_key=("migration_id",),
)

TABLES = (
    Table(
        name="ConfigSnapshot",
        columns={
            "config": "String",
            "extra_templates": MAP,
            "hash": "UInt256",
            "tensorzero_version": "String",
            "created_at": "DateTime64(6) DEFAULT now()",
            "last_used": "DateTime64(6) DEFAULT now()",
            "tags": TAGS,
        },
        engine="ReplacingMergeTree",
        engine_arguments=("last_used",),
        order_by=("hash",),
        index_granularity=256,
    ),
    Table(
        name="DeploymentID",
        columns={
            "deployment_id": "String",
            "dummy": "UInt32 DEFAULT 0",
            "created_at": "DateTime DEFAULT now()",
            # Grows smaller with time: the row that replaces the others is the oldest.
            "version_number": "UInt32 DEFAULT 4294967295 - toUInt32(now())",
        },
        engine="ReplacingMergeTree",
        engine_arguments=("version_number",),
        order_by=("dummy",),
    ),
)
