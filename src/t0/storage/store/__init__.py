"""The embedded store: `t0 store` serves the ClickHouse HTTP interface from a local directory. See `process.main`."""
