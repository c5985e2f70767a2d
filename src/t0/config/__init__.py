"""The configuration language: TOML files in, one frozen tree of structs out."""
