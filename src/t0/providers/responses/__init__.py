"""OpenAI's Responses API: what `openai` speaks with `api_type = "responses"`."""
