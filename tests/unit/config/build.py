"""Small configurations to make a point with."""

FILES = {
    "any.json": "{}",
    "bad.json": "{not json",
    "badschema.json": '{"type": "nonsense"}',
    "ok.j": "{{ user_text }}",
    "other.j": "{{ user_text }} {{ other }}",
    "syntax.j": "{% if %}",
    "computed.j": "{% include x %}",
    "dir/x.j": "x",
    "ok.txt": "Judge it.",
    "braces.txt": "Judge {{ it }}.",
}
"""The files beside every configuration."""

GATEWAY = "[gateway]\n"
MODEL = """
[models.m]
routing = ["p"]
providers.p = { type = "openai", model_name = "x", api_key_location = "none" }
"""
CHAT = (
    MODEL
    + """
[functions.f]
type = "chat"
[functions.f.variants.v]
type = "chat_completion"
model = "m"
"""
)
JSON = CHAT.replace('"chat"', '"json"') + 'json_mode = "on"\n'
METRIC = '[metrics.x]\ntype = "float"\noptimize = "max"\nlevel = "inference"\n'
JUDGE = 'type = "llm_judge"\noutput_type = "boolean"\noptimize = "max"\n'
JUDGE_CALL = 'model = "m"\nsystem_instructions = "ok.txt"\njson_mode = "strict"\n'
JUDGE_VARIANT = 'type = "chat_completion"\n' + JUDGE_CALL


def provider_keys(text: str) -> str:
    return MODEL.replace(' api_key_location = "none"', f' api_key_location = "none", {text}')


def variant_keys(text: str) -> str:
    return f"{CHAT}{text}\n"


def function_keys(text: str) -> str:
    return CHAT.replace('type = "chat"\n', f'type = "chat"\n{text}\n')


def more(text: str) -> str:
    """A variant besides `v` in a chat function."""
    return f"[functions.f.variants.{text}\n"


def best_of_n(keys: str, evaluator: str = 'model = "m"') -> str:
    table = f'b]\ntype = "experimental_best_of_n_sampling"\n{keys}\n'
    return more(table) + f"[functions.f.variants.b.evaluator]\n{evaluator}\n"


def mixture_of_n(keys: str, fuser: str = 'model = "m"') -> str:
    return more(f'b]\ntype = "experimental_mixture_of_n"\n{keys}\n') + f"[functions.f.variants.b.fuser]\n{fuser}\n"


def dicl(keys: str = "", embedding_model: str = "openai::e") -> str:
    table = 'd]\ntype = "experimental_dynamic_in_context_learning"\nmodel = "m"\nk = 3\n'
    return more(f'{table}embedding_model = "{embedding_model}"\n{keys}\n')


def namespaced(namespace: str) -> str:
    """A variant `n` that belongs to a namespace."""
    return more(f'n]\ntype = "chat_completion"\nmodel = "m"\nnamespace = "{namespace}"\n')


def experiment(keys: str) -> str:
    return f'{CHAT}{more("w]")}type = "chat_completion"\nmodel = "m"\n[functions.f.experimentation]\n{keys}\n'


def evaluator(keys: str, name: str = "e") -> str:
    return f'{CHAT}[functions.f.evaluators."{name}"]\n{keys}\n'


def judge(keys: str, options: str = "") -> str:
    """An evaluator `e` with one judge variant `a`."""
    return evaluator(f"{JUDGE}{options}[functions.f.evaluators.e.variants.a]\n{keys}")


def judge_part(name: str, keys: str) -> str:
    return f"[functions.f.evaluators.e.variants.a.{name}]\n{keys}"


def rule(keys: str) -> str:
    return f"[[rate_limiting.rules]]\n{keys}\n"


def optimizer(keys: str) -> str:
    return f"[optimizers.o]\n{keys}\n"
