"""Makes map literals keep their keys sorted.

The reference's engine keeps maps sorted by key; the engine package keeps them in written order. So templates are
adjusted before they reach it: entries of `{…}` with constant keys are written in sorted order, and maps whose keys are
known only when rendered, as well as `dict(…)`, are passed through `SORT`, which the environment defines as the engine's
`namespace`: that one sorts. It takes string keys only, hence the test around it.
"""

from __future__ import annotations

from t0.templates.syntax import Tag, Token, matching, number_value, parse, split, string_value

SORT = "_t0_sort"
HAS_STRING_KEYS = "_t0_string_keys"

_CONSTANTS: dict[str, tuple[int, object]] = {
    "none": (0, 0),
    "None": (0, 0),
    "false": (1, 0),
    "False": (1, 0),
    "true": (1, 1),
    "True": (1, 1),
}


def with_sorted_maps(source: str) -> str:
    """The template with every map in the order of its keys; lines stay where they are."""
    if "{" not in source.replace("{{", "").replace("{%", "").replace("{#", "") and "dict" not in source:
        return source
    tags = [part for part in parse(source) if isinstance(part, Tag)]
    writer = _Writer(source, redefines_dict=any(_defines_dict(tag.tokens) for tag in tags))
    parts, position = [], 0
    for tag in tags:
        if tag.tokens:
            start, end = tag.tokens[0].start, tag.tokens[-1].end
            parts += [source[position:start], writer.written(tag.tokens)]
            position = end
    return "".join(parts) + source[position:]


def _defines_dict(tokens: list[Token]) -> bool:
    """Whether the tag may bind the name `dict` to something else."""
    statement = tokens[0].text if tokens else ""
    binds = statement in ("set", "with", "for", "macro", "call", "import", "from")
    return binds and any(t.kind == "name" and t.text == "dict" for t in tokens)


class _Writer:
    """Writes runs of tokens back to text, maps in order."""

    def __init__(self, source: str, *, redefines_dict: bool) -> None:
        self._source, self._redefines_dict = source, redefines_dict

    def written(self, tokens: list[Token]) -> str:
        """The tokens' text and the space between them."""
        parts: list[str] = []
        i = 0
        while i < len(tokens):
            if i:
                parts.append(self._source[tokens[i - 1].end : tokens[i].start])
            end = self._group_end(tokens, i)
            parts.append(self._group(tokens, i, end))
            i = end
        return "".join(parts)

    def _group_end(self, tokens: list[Token], i: int) -> int:
        if tokens[i].text == "{":
            return matching(tokens, i) + 1
        if self._is_dict_call(tokens, i):
            return matching(tokens, i + 1) + 1
        return i + 1

    def _is_dict_call(self, tokens: list[Token], i: int) -> bool:
        if self._redefines_dict or tokens[i].text != "dict" or i + 1 == len(tokens) or tokens[i + 1].text != "(":
            return False
        return i == 0 or tokens[i - 1].text not in (".", "|", "is", "not")

    def _group(self, tokens: list[Token], start: int, end: int) -> str:
        if tokens[start].text == "{":
            return self._map(tokens[start:end])
        if end > start + 1:
            return _sorted_at_run_time(tokens[start].text + self.written(tokens[start + 1 : end]))
        return tokens[start].text

    def _map(self, tokens: list[Token]) -> str:
        entries = [entry for entry in split(tokens[1:-1], ",") if entry]
        keys = [_constant(split(entry, ":")[0]) for entry in entries]
        if len(entries) < 2 or None in keys:
            text = self._joined(tokens, entries, entries)
            return text if len(entries) < 2 else _sorted_at_run_time(text)
        order = sorted(range(len(entries)), key=lambda i: keys[i])  # type: ignore[arg-type,return-value]
        return self._joined(tokens, entries, [entries[i] for i in order])

    def _joined(self, tokens: list[Token], entries: list[list[Token]], order: list[list[Token]]) -> str:
        """The map's text with its entries exchanged; what stands between them stays, and so do the line numbers."""
        parts, position = [], tokens[0].start
        for place, entry in zip(entries, order, strict=True):
            parts += [self._source[position : place[0].start], self.written(entry)]
            position = place[-1].end
        return "".join(parts) + self._source[position : tokens[-1].end]


def _sorted_at_run_time(text: str) -> str:
    return f"({SORT}({text}) if {text} is {HAS_STRING_KEYS} else {text})"


def _constant(tokens: list[Token]) -> tuple[int, object] | None:
    """What orders a constant key: none, booleans, numbers, strings; None if it is not constant."""
    negative = len(tokens) == 2 and tokens[0].text == "-"
    if len(tokens) != 1 and not negative:
        return None
    token = tokens[-1]
    if token.kind in ("integer", "float"):
        return (2, -number_value(token) if negative else number_value(token))
    if negative:
        return None
    return (3, string_value(tokens)) if token.kind == "string" else _CONSTANTS.get(token.text)
