"""The ClickHouse schema: the same tables, views and migration ids as the reference's, so each opens the other's."""

from t0.storage.migrations.runner import IDS, applied_ids, is_current, run

__all__ = ["IDS", "applied_ids", "is_current", "run"]
