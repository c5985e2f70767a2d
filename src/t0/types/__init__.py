"""Wire and internal structs, without logic.

`content` holds the blocks a conversation is made of, `model` what one model call takes and gives, `params` the
inference parameters, `inference` the native request, `openai` the OpenAI request, `record` what the recorder reads.
"""
