#!/usr/bin/env python3
"""Writes tests/vectors/workflows.json: what quilt3 itself says of configurations and schemas.

usage: workflow-vectors.py [configurations] [documents per schema] > tests/vectors/workflows.json

Needs quilt3 8 (a venv of its own). The same numbers give the same file; CPython's re decides on patterns (3.11 or later).
"""

import json
import random
import re
import sys

import jsonschema
import yaml
from quilt3.workflows import (
    SUPPORTED_META_SCHEMAS,
    ConfigDataVersion,
    WorkflowConfig,
    _get_conf_validator,
    _load_schema_json,
)

SCHEMAS = [
    {}, True, {"required": ["a"]},
    {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"pattern": "^x|y$"}},
     "additionalProperties": False},
    {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
    {"not": {"required": ["c"]}},
    {"properties": {"a": {"enum": [1, "x", None, True]}}},
    {"properties": {"a": {"const": 1}}},
    {"properties": {"a": {"multipleOf": 0.5}}},
    {"properties": {"b": {"format": "date", "minLength": 2}}},
    {"properties": {"a": {"type": ["integer", "null"]}, "b": {"contentEncoding": "base64", "maxLength": 3}}},
    {"properties": {"b": {"contentMediaType": "application/json"}}},
    {"propertyNames": {"pattern": "^[a-c]$"}},
    {"properties": {"c": {"items": {"type": "number", "exclusiveMinimum": 0}, "uniqueItems": True,
                          "minItems": 1}}},
    {"dependencies": {"a": ["b"]}},
    {"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ["c"]}},
    {"patternProperties": {"^a": {"type": "string"}}},
    {"properties": {"c": {"contains": {"type": "string"}}}},
    {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
    {"minProperties": 1, "maxProperties": 2},
    {"properties": {"c": {"items": [{"type": "integer"}], "additionalItems": False}}},
    {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"},
    {"$schema": "http://json-schema.org/draft-04/schema#"},
    {"$schema": "http://json-schema.org/draft-07/schema"},
    {"$schema": "https://json-schema.org/draft/2020-12/schema"},
    {"properties": {"a": {"$ref": "#"}}}, {"const": {"$ref": 1}},
    {"type": "nope"}, {"required": "a"}, [], {"$schema": 1},
    {"properties": {"b": {"pattern": "(?<=x)y"}}},
]
VALUES = [0, 1, 1.0, 2, -1, 0.5, 1.5, True, False, None, "x", "y", "xy", "abc", "xxxxx", "", "2020", "{", [],
          [1], [1, 1.0], [1, True], ["x", 1], [0], {}, {"a": 1}, 10**15, "é"]
CONFIG = {
    "version": "1", "is_workflow_required": True, "default_workflow": "a",
    "workflows": {
        "a": {"name": "A"},
        "b": {"name": "B", "description": "x", "handle_pattern": "^a", "is_message_required": True,
              "metadata_schema": "s", "entries_schema": "s"},
    },
    "schemas": {"s": {"url": "s3://b/k"}},
    "successors": {"s3://x": {"title": "X", "copy_data": False}},
    "catalog": {},
}
ODD = [None, 1, "", [], {}, "x", True, {"name": "N"}, {"base": "1"}, {"base": "1.1", "catalog": "1"}, "1.0",
       "1.1.0", "1.2", "01", "s3://q"]

# Parts of patterns, and of names.
PIECES = ["^", "$", "a", "b", "ab", "/", "-", "_", ".", "[a-z]", "[^/]", "[\\w-]", "\\w", "\\d", "\\W", "\\b", "\\B", "\\A",
          "\\Z", "(?=a)", "(?!a)", "(?<=/)", "(?<!a)", "(a|b)", "(?:ab)?", "\\1", "*", "+", "?", "{2}", "{1,3}", "*?",
          "[]a]", "[[a]", "[a&&b]", "[^]a]", "[a-]", "[-a]", "[a||b]", "[a~~b]", "\\-", "\\/", "\\.", "\\_", "(?P<n>a)",
          "(?P=n)", "|", "(?i)", "{,2}", "{", "}", "]", "#", " ", "\\<", "\\h", "\\x61", "\\u0061", "(?#x)", "(?s:.)",
          "[\\d\\-_]", "[^\\W]", "(?>a)", "a++", "\\101", "\\0"]
NAMES = ["a/b", "ab/ab", "a-b/c_d", "lab/2024-07", "aa/bb", "A/B", "x/y", "b/a1", "ab_/-ab", "7/7"]


def patterns(count):
    """Triples of a pattern, a name, and whether re.search finds it; None where Python refuses it."""
    judged = set()
    while len(judged) < count:
        pattern = "".join(random.choice(PIECES) for _ in range(random.randint(1, 5)))
        name = random.choice(NAMES)
        try:
            found = re.search(pattern, name) is not None
        except re.error:
            found = None
        judged.add((pattern, name, found))
    return sorted(judged, key=str)


def validator(schema):
    """As quilt3 makes it; None where quilt3 refuses the schema."""
    try:
        schema = _load_schema_json(json.dumps(schema))
        kind = jsonschema.Draft7Validator
        if isinstance(schema, dict) and "$schema" in schema:
            kind = SUPPORTED_META_SCHEMAS.get(schema["$schema"])
        kind.check_schema(schema)
        return kind(schema)
    except Exception:  # of any kind: quilt3 would not push
        return None


def usable(config):
    try:
        _get_conf_validator()(config)
    except jsonschema.ValidationError:
        return False
    version = WorkflowConfig.get_config_data_version_str(config)
    return ConfigDataVersion(1, 1, 0) >= ConfigDataVersion.parse(version)


def mutated():
    config = json.loads(json.dumps(CONFIG))
    node = config
    while True:
        key = random.choice(list(node) or ["new"])
        if isinstance(node.get(key), dict) and random.random() < 0.65:
            node = node[key]
            continue
        chance = random.random()
        if chance < 0.4:
            node[key] = random.choice(ODD)
        elif chance < 0.6:
            node.pop(key, None)
        elif chance < 0.8:
            names = ["extra", "name", "9x", "url", "title", "x y", "_k", "version"]
            node[random.choice(names)] = random.choice(ODD)
        else:
            node["k" * random.choice([1, 64, 65])] = node.pop(key, None)
        return config


def main():
    random.seed(7)
    configs, documents = (int(n) for n in (sys.argv[1:] + ["300", "30"])[:2])
    schemas = []
    for schema in SCHEMAS:
        judge = validator(schema)
        docs = []
        for _ in range(documents if judge else 0):
            doc = {k: random.choice(VALUES) for k in random.sample("abcd", random.randint(0, 3))}
            docs.append([doc, judge.is_valid(doc)])
        schemas.append({"schema": schema, "usable": judge is not None, "documents": docs})
    judged = [(yaml.safe_dump(c), usable(c)) for c in (mutated() for _ in range(configs))]
    json.dump({"schemas": schemas, "configs": sorted(set(judged)), "patterns": patterns(2 * configs)}, sys.stdout, indent=0)
    print()


main()
