"""Observability: workers append one record per request to a ring, the recorder process stores and counts them.

`writer` is the workers' side; everything else runs in the recorder (`process`).
"""
