"""CloudWatch's metric filter patterns, as far as the module uses them: `{ $.a = "x" && $.b >= 500 }`."""

import operator
import re

TERM = re.compile(r'\$\.([\w.]+)\s*(!=|>=|<=|=|>|<)\s*(?:"([^"]*)"|(-?\d+))')
OPERATORS = {
    "=": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


def parse(pattern):
    """[(field, operator, value)], all of which have to hold."""
    inner = re.fullmatch(r"\{ (.*) \}", pattern)
    if inner is None:
        raise ValueError(f"no JSON pattern: {pattern}")
    terms = []
    for part in inner.group(1).split(" && "):
        term = TERM.fullmatch(part)
        if term is None:
            raise ValueError(f"not understood: {part}")
        field, op, text, number = term.groups()
        terms.append((field, op, text if number is None else int(number)))
    return terms


def matches(pattern, line):
    """Whether a line (as an object) fits. A field that is not there fits nothing."""
    for field, op, wanted in parse(pattern):
        value = line
        for part in field.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if not isinstance(value, type(wanted)) or not OPERATORS[op](value, wanted):
            return False
    return True
