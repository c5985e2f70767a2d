"""The chat completions format, in the parts that the providers speaking it share."""
