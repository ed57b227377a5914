"""Queries of CloudWatch Logs Insights: each field is one of docs/LOGGING.md, and each filter finds a line
in the log of a real run."""

import json
import re

COMMON = {"timestamp", "level", "target", "message", "event", "span.request_id"}
WORDS = {
    *"fields filter stats sort limit parse display dedup by as and or not like in asc desc".split(),
    *"count count_distinct sum avg min max pct bin ispresent coalesce strlen latest earliest".split(),
    *(f"{number}{unit}" for number in (1, 5, 15) for unit in "mh"),
}
TOKEN = re.compile(r'"[^"]*"|/[^/\n]+/|@?[A-Za-z_][\w.]*|\d+[smhd]?\b|<=|>=|!=|.', re.S)
OPERATORS = {"=", "!=", "<", ">", "<=", ">="}


def fields_by_event(document):
    """The table of fields of each event, as docs/LOGGING.md has it."""
    found, event, inside = {}, None, False
    for line in document.lines:
        heading = re.match(r'^### `event = "(\w+)"`', line)
        if heading:
            event, inside = heading.group(1), False
            found[event] = set()
        elif line.startswith("## "):
            event = None
        elif line.startswith("| "):
            cell = line.split(" |")[0]
            inside = inside or cell == "| field"
            if event and inside and cell != "| field":
                found[event] |= set(re.findall(r"`([\w.]+)`", cell))
        else:
            inside = inside and line.startswith("|")
    return found


def problems(docs, lines):
    """What is wrong with the queries. `lines` is the log of a run; `None` to look at fields alone."""
    logging = next(doc for doc in docs if doc.path.name == "LOGGING.md")
    tables = fields_by_event(logging)
    queries = 0
    for doc in docs:
        for fence in (fence for fence in doc.fences if fence.language == "logs-insights"):
            queries += 1
            place = f"{doc.path}:{fence.line}"
            for field in _strangers(fence.text, tables):
                yield f"{place}: {field} is no field of docs/LOGGING.md (of this event)"
            if lines is None or fence.mark.startswith("rare: "):
                continue
            if not any(matches(fence.text, line) for line in lines):
                yield f"{place}: no line of {len(lines)} in the log of a real run passes its filters"
    if lines is not None:
        print(f"check-docs: {queries} queries over {len(lines)} lines of a real log")


def _strangers(query, tables):
    tokens = [t for t in TOKEN.findall(query) if not t.isspace()]
    pairs = zip(tokens, tokens[1:] + [""])
    aliases = {name for word, name in pairs if word == "as"}
    events = re.findall(r'\bevent = "(\w+)"', query)
    known = set(COMMON) | aliases
    for event in events or tables:
        known |= tables.get(event, set())
    for event in events:
        if event not in tables:
            yield f'event = "{event}"'
    for token in tokens:
        is_name = re.match(r"^[A-Za-z_]", token)
        if is_name and token not in known and token not in WORDS:
            yield token


def matches(query, line):
    """Whether a line of the log passes all filters of a query."""
    stages = re.split(r"(?:^|\s+)\|\s+", query.strip())
    filters = [stage[len("filter ") :] for stage in stages if stage.startswith("filter ")]
    return all(Filter(text, line).value() for text in filters)


class Filter:
    """A condition, read from left to right: or, and, not, comparisons."""

    def __init__(self, text, line):
        self.tokens = [t for t in TOKEN.findall(text) if not t.isspace()]
        self.line = line

    def value(self):
        """Whether the line passes."""
        found = self._any()
        if self.tokens:
            raise SystemExit(f"a filter that check-docs cannot read, at {' '.join(self.tokens[:4])}")
        return found

    def _next(self, wanted=None):
        token = self.tokens.pop(0) if self.tokens else ""
        if wanted and token != wanted:
            raise SystemExit(f"a filter that check-docs cannot read: {token!r} instead of {wanted!r}")
        return token

    def _any(self):
        found = self._all()
        while self.tokens[:1] == ["or"]:
            self._next()
            found = self._all() or found
        return found

    def _all(self):
        found = self._one()
        while self.tokens[:1] == ["and"]:
            self._next()
            found = self._one() and found
        return found

    def _one(self):
        token = self._next()
        if token == "not":
            return not self._one()
        if token == "(":
            found = self._any()
            self._next(")")
            return found
        if token == "ispresent":
            self._next("(")
            field = self._next()
            self._next(")")
            return self._field(field) is not None
        return self._compare(self._field(token))

    def _field(self, name):
        value = self.line
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def _compare(self, value):
        operator = self._next()
        if operator == "not":
            return not self._compare(value)
        if operator == "like":
            return value is not None and re.search(self._next()[1:-1], str(value)) is not None
        if operator == "in":
            return value in self._list()
        if operator not in OPERATORS:
            raise SystemExit(f"a filter that check-docs cannot read: {operator!r}")
        other = json.loads(self._next())
        if value is None or isinstance(value, str) != isinstance(other, str):
            return operator == "!="
        return {
            "=": value == other,
            "!=": value != other,
            "<": value < other,
            ">": value > other,
            "<=": value <= other,
            ">=": value >= other,
        }[operator]

    def _list(self):
        found = []
        self._next("[")
        while (token := self._next()) not in ("]", ""):
            if token != ",":
                found.append(json.loads(token))
        return found
