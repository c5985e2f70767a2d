"""Gemini's API, as Google AI Studio and Vertex AI speak it."""
