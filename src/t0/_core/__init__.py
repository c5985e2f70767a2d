"""Synchronous Cython kernels: bytes or plain objects in, plain objects out, no I/O and no rule of the gateway.

Each kernel is documented in the stub beside it.
"""
