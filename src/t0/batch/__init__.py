"""Batch inference: started at a provider, looked after by polls, stored like any inference in the end."""
