"""Renders templates of text, lookups, loops and conditions, and writes arguments as literals for the template engine.

Both walk JSON values (str, int, float, bool, None, list, tuple, dict with str keys) and must print them exactly as MiniJinja
2.19 does; `tests/unit/core/test_template_properties.py` holds them to it.
"""

from decimal import Decimal
from math import isfinite

# The engine's parser takes about 75 nested brackets; deeper values are put together from variables.
cdef int MAX_LITERAL_DEPTH = 32

# PERF: fetching a string costs the engine 2 us, a literal 1 to 3 ns a character: a hundred strings of 5000 characters
# take 1350 us as literals and 400 to 700 us fetched (bench/kernels/test_template.py, group `template.long`).
cdef Py_ssize_t LONG_TEXT = 1500

# Rust's serde_json keeps integers of these bounds and reads larger ones as floats.
cdef object INT_MIN = -(2**63)
cdef object INT_MAX = 2**64 - 1

cdef dict DEBUG_ESCAPES = {
    "\0": "\\0", "\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\",
}

# Names that `{% set %}` refuses, by reason of the engine's grammar.
cdef frozenset RESERVED = frozenset(
    ("true", "True", "false", "False", "none", "None", "not", "in", "loop", "self")
)


# -- scalars -----------------------------------------------------------------------------------------------------------


cdef inline object _integer(object value):
    """The value as the engine holds it: a float where it does not fit into 64 bits."""
    return value if INT_MIN <= value <= INT_MAX else float(value)


cdef str _float_display(object value):
    """A float at the top level: a decimal point, never an exponent; None if it is not finite."""
    cdef str text = repr(value)
    if "e" not in text:
        return text if "n" not in text else None
    text = format(Decimal(text), "f")
    return text if "." in text else text + ".0"


cdef str _float_debug(object value):
    """A float inside a container: `1e21`, `5e-324` where `repr` uses an exponent, else the same; None if not finite."""
    cdef str text = repr(value)
    if "e" not in text:
        return text if "n" not in text else None
    mantissa, exponent = text.split("e")
    return f"{mantissa}e{int(exponent)}"


cdef str _string_debug(str value):
    """A quoted string inside a container; None where the escapes depend on Unicode tables that only the engine has."""
    if value.isascii() and value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}"'
    cdef list parts = ['"']
    cdef Py_UCS4 c
    for c in value:
        if c >= 0x300:
            return None
        if c in DEBUG_ESCAPES:
            parts.append(DEBUG_ESCAPES[c])
        elif c < 0x20 or 0x7F <= c <= 0xA0 or c == 0xAD:
            parts.append(f"\\u{{{<int>c:x}}}")
        else:
            parts.append(c)
    parts.append('"')
    return "".join(parts)


# -- printing ----------------------------------------------------------------------------------------------------------


cdef bint _print_nested(object value, list out) except -1:
    """Appends the value as containers print it. False: only the engine knows how."""
    cdef str text
    if isinstance(value, str):
        text = _string_debug(value)
        if text is None:
            return False
        out.append(text)
        return True
    if isinstance(value, dict):
        return _print_map(value, out)
    if isinstance(value, (list, tuple)):
        return _print_list(value, out)
    text = _float_debug(value) if isinstance(value, float) else _print_word(value)
    if text is None:
        return False
    out.append(text)
    return True


cdef str _print_word(object value):
    """`none`, a boolean or an integer; None for anything else."""
    if value is None:
        return "none"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int) and INT_MIN <= value <= INT_MAX:
        return str(value)
    return None


cdef bint _print_list(object value, list out) except -1:
    cdef bint first = True
    out.append("[")
    for item in value:
        if not first:
            out.append(", ")
        first = False
        if not _print_nested(item, out):
            return False
    out.append("]")
    return True


cdef bint _print_map(dict value, list out) except -1:
    cdef bint first = True
    out.append("{")
    for key in sorted(value):
        if not first:
            out.append(", ")
        first = False
        if not _print_nested(key, out):
            return False
        out.append(": ")
        if not _print_nested(value[key], out):
            return False
    out.append("}")
    return True


cdef bint _print(object value, list out) except -1:
    """Appends the value as `{{ }}` prints it. False: only the engine knows how."""
    cdef str text
    if isinstance(value, str):
        out.append(value)
        return True
    if isinstance(value, dict):
        return _print_map(value, out)
    if isinstance(value, (list, tuple)):
        return _print_list(value, out)
    text = _float_display(value) if isinstance(value, float) else _print_word(value)
    if text is None:
        return False
    out.append(text)
    return True


# -- literals ----------------------------------------------------------------------------------------------------------


cdef class _Literals:
    """Writes values as literals of the template language; `statements` come before the one being written."""

    cdef list statements
    cdef list texts
    cdef str fetch
    cdef int helpers

    def __cinit__(self, list texts, str fetch):
        self.statements = []
        self.texts = texts
        self.fetch = fetch
        self.helpers = 0

    cdef int assign(self, str name, object value) except -1:
        cdef list out = ["{% set ", name, " = "]
        self.write(value, out, 0)
        out.append(" %}")
        self.statements.append("".join(out))
        return 0

    cdef int write(self, object value, list out, int depth) except -1:
        if isinstance(value, str):
            out.append(_string_literal(value) if len(value) <= LONG_TEXT else self.reference(value))
        elif value is None:
            out.append("none")
        elif value is True:
            out.append("true")
        elif value is False:
            out.append("false")
        elif isinstance(value, int):
            out.append(str(_integer(value)))
        elif isinstance(value, float) and isfinite(value):
            out.append(repr(value))
        elif depth == MAX_LITERAL_DEPTH:
            out.append(self.helper(value))
        elif isinstance(value, dict):
            self.write_map(value, out, depth + 1)
        elif isinstance(value, (list, tuple)):
            self.write_list(value, out, depth + 1)
        else:
            raise TypeError(f"a template argument must be a JSON value, found {value!r}")
        return 0

    cdef str reference(self, str value):
        self.texts.append(value)
        return f"{len(self.texts) - 1}|{self.fetch}"

    cdef str helper(self, object value):
        cdef str name = f"_t0_{self.helpers}"
        self.helpers += 1
        self.assign(name, value)
        return name

    cdef int write_list(self, object value, list out, int depth) except -1:
        out.append("[")
        for item in value:
            self.write(item, out, depth)
            out.append(",")
        out.append("]")
        return 0

    cdef int write_map(self, dict value, list out, int depth) except -1:
        out.append("{")
        for key in sorted(value):
            out.append(_string_literal(key))
            out.append(":")
            self.write(value[key], out, depth)
            out.append(",")
        out.append("}")
        return 0


cdef str _string_literal(str value):
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    if '"' in value:
        value = value.replace('"', '\\"')
    return f'"{value}"'


cdef bint _is_identifier(str name):
    return name.isascii() and name.isidentifier() and name not in RESERVED


# -- programs ----------------------------------------------------------------------------------------------------------

cdef object MISSING = object()


cdef object _lookup(tuple path, dict variables):
    """What the path leads to; MISSING where only the engine knows."""
    cdef object value = variables
    cdef Py_ssize_t index, length
    for key in path:
        if isinstance(value, dict):
            if type(key) is not str or key not in <dict>value:
                return MISSING
            value = (<dict>value)[key]
        elif isinstance(value, list) and type(key) is int:
            index, length = key, len(<list>value)
            if index < 0:
                index += length
            if not 0 <= index < length:
                return MISSING
            value = (<list>value)[index]
        else:
            return MISSING
    return value


cdef bint _run(tuple steps, dict variables, list out) except -1:
    """Appends what the steps print. False: only the engine knows what that is."""
    for step in steps:
        if type(step) is str:
            out.append(step)
        elif type(step) is tuple:
            value = _lookup(<tuple>step, variables)
            if value is MISSING or not _print(value, out):
                return False
        elif type(step) is Loop:
            if not (<Loop>step).run(variables, out):
                return False
        elif not (<Choice?>step).run(variables, out):
            return False
    return True


# -- Public API --------------------------------------------------------------------------------------------------------


cdef class Loop:
    cdef str name
    cdef tuple path
    cdef tuple body

    def __init__(self, str name not None, tuple path not None, tuple body not None):
        self.name, self.path, self.body = name, path, body

    cdef bint run(self, dict variables, list out) except -1:
        items = _lookup(self.path, variables)
        if type(items) is not list:
            return False
        cdef dict inner = variables.copy()
        for item in <list>items:
            inner[self.name] = item
            if not _run(self.body, inner, out):
                return False
        return True


cdef class Choice:
    cdef tuple branches

    def __init__(self, tuple branches not None):
        self.branches = branches

    cdef bint run(self, dict variables, list out) except -1:
        for path, wanted, body in self.branches:
            if path is None:
                return _run(<tuple?>body, variables, out)
            value = _lookup(<tuple?>path, variables)
            if not (value is None or isinstance(value, (str, int, float, list, dict))):
                return False
            if bool(value) is wanted:
                return _run(<tuple?>body, variables, out)
        return True


cdef class Program:
    cdef tuple steps

    def __init__(self, tuple steps not None):
        self.steps = steps

    def render(self, dict arguments not None):
        cdef list out = []
        return "".join(out) if _run(self.steps, arguments, out) else None


def set_statements(dict arguments not None, list texts not None, str fetch not None):
    cdef _Literals literals = _Literals(texts, fetch)
    for name, value in arguments.items():
        if _is_identifier(name):
            literals.assign(name, value)
    return "".join(literals.statements)
