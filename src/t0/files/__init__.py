"""Files in inputs: fetched for providers that take no URLs, kept in object storage, and never stored in rows."""
