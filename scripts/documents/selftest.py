"""check-docs can fail: each kind of mistake is found in a document that was made with it."""

import contextlib
import os
import tempfile
from pathlib import Path

import blocks
import insights
import names
from markdown import documents

LOGGING = '# Logs\n### `event = "access"`: one\n\n| field | |\n|---|---|\n| `status`, `ms` | |\n\n## More\n'
CONFIG = "# Configuration\n\n| `QUILT_MCP_ADDR` | |\n"
TOOLS = "# Tools\n\n### `bucket_list`: List\n"
GOOD = (
    "# Title\n\n[a](docs/TOOLS.md#tools) `bucket_list` `QUILT_MCP_ADDR`\n\n```sh\ntrue\n```\n\n"
    "<!-- needs AWS -->\n```sh\nfalse\n```\n\n<!-- exits 3 -->\n\n```sh\nexit 3\n```\n\n"
    '```logs-insights\nfilter event = "access" and status >= 500 | stats count(*) as n\n```\n'
)
#: What is added to the good document, and a piece of what must be said about it.
BAD = [
    ("[a](docs/NOWHERE.md)\n", "leads nowhere"),
    ("[a](docs/TOOLS.md#nothing)\n", "no heading"),
    ("[a](#nothing)\n", "no heading"),
    ("`QUILT_MCP_TYPO`\n", "no variable"),
    ("```sh\nexport QUILT_MCP_TYPO=1\n```\n", "no variable"),
    ("`bucket_invented`\n", "neither a tool"),
    ("```bash\ntrue\n```\n", "a block of bash"),
    ("```\ncurl http://127.0.0.1\n```\n", "not marked as sh"),
    ("~~~\n", "between backticks"),
    ("```sh\nfalse\ntrue\n```\n", "exit code 1"),
    ("```sh\nfalse | true\n```\n", "exit code 1"),
    ("<!-- exits 3 -->\n```sh\ntrue\n```\n", "exit code 0 instead of 3"),
    ("<!-- because -->\n```sh\ntrue\n```\n", "is not known"),
    ("```sh\necho | aws s3 ls\n```\n", "aws is not run here"),
    ("<!-- long: scripts/nothing runs it -->\n```sh\nfalse\n```\n", "there is no scripts/nothing"),
    ("<!-- needs AWS -->\nText.\n```sh\nfalse\n```\n", "exit code 1"),
    ("```logs-insights\nfields tool | filter event = \"access\"\n```\n", "tool is no field"),
    ("<!-- rare: no -->\n```logs-insights\nfilter event = \"acess\"\n```\n", "is no field"),
    ("```logs-insights\nfilter event = \"access\" and status = 200\n```\n", "no line"),
]
LINES = [{"event": "access", "status": 503, "ms": 1}]


def run():
    """Ends the program where a mistake is not found, or one is that is not there."""
    found = _problems("")
    if found:
        raise SystemExit(f"check-docs: its own test finds fault with a good document: {found}")
    for addition, wanted in BAD:
        found = _problems(addition)
        if len(found) != 1 or wanted not in found[0]:
            raise SystemExit(f"check-docs: its own test: {wanted!r} expected of {addition!r}: {found}")
    print(f"check-docs: its own test: {len(BAD)} kinds of mistakes are found")


def _problems(addition):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "docs").mkdir()
        (root / "README.md").write_text(GOOD + "\n" + addition)
        (root / "docs/LOGGING.md").write_text(LOGGING)
        (root / "docs/CONFIG.md").write_text(CONFIG)
        (root / "docs/TOOLS.md").write_text(TOOLS)
        docs = documents(root)
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            found = list(names.problems(root, docs))
            found += blocks.problems(docs, dict(os.environ), "127.0.0.1:1")
            found += insights.problems(docs, LINES)
        return found

