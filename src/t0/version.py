"""The version of this package, and the one answered in `x-tensorzero-gateway-version`."""

VERSION = "0.1.0"
