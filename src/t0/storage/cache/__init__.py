"""Where cached model answers are kept for all workers and gateways: ClickHouse or Valkey."""
