"""What documents name has to exist: links, anchors, variables, tools, codes, fields, metrics."""

import re
from pathlib import Path

from markdown import Document

VARIABLE = re.compile(r"\b(?:QUILT|MCP)_[A-Z0-9_]*[A-Z0-9]\b(?!_?\*)")
SNAKE = re.compile(r"^[a-z][a-z0-9]*(?:_[a-z0-9]+)+$")
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: A block without a language that begins like this is a command that nobody would run.
COMMAND = re.compile(r"^(?:\$ |(?:quilt-mcp-server|cargo|curl|aws|docker|scripts/\S+|terraform) )", re.M)
#: `json` and its like are shown; `sh` is run; `logs-insights` is judged against a real log.
LANGUAGES = {"", "sh", "json", "logs-insights", "text", "js", "html", "yaml", "hcl", "dockerfile"}


#: Names of others that a document explains: a feature of serde_json, an attribute of an ALB's target group.
ELSEWHERE = {"arbitrary_precision", "protocol_version"}
#: Who runs a block instead, where a script does.
RUN_BY = re.compile(r"^long: (scripts/[\w-]+)")


def problems(root, docs):
    """Everything that is named and is not there."""
    root = Path(root)
    variables = set(VARIABLE.findall((root / "docs/CONFIG.md").read_text()))
    known = _known(root)
    for doc in docs:
        yield from _links(root, doc)
        yield from _fences(root, doc)
        text = "\n".join(doc.lines)
        for name in sorted(set(VARIABLE.findall(text)) - variables):
            yield f"{doc.path}: {name} is no variable of docs/CONFIG.md"
        for number, span in doc.spans():
            if SNAKE.match(span) and span not in known:
                yield f"{doc.path}:{number}: `{span}` is neither a tool, nor a field, nor a code"


def _known(root):
    """Names of the generated documents and contracts, of the code and of what it is built from. A tool's
    name stands in docs/TOOLS.md alone: one that was taken out is found nowhere."""
    files = [root / "docs" / name for name in ("TOOLS.md", "LOGGING.md", "CONFIG.md")]
    files += [root / "Cargo.toml", root / "Cargo.lock", root / "clippy.toml"]
    folders = {"src": ("rs", "graphql", "json"), "tests": ("rs",), "deploy": ("tf",)}
    for folder, endings in folders.items():
        for ending in endings:
            files += (root / folder).rglob(f"*.{ending}")
    found = set(ELSEWHERE)
    for file in files:
        if file.exists():
            found |= set(WORD.findall(file.read_text()))
    return found


def _links(root, doc):
    for number, target in doc.links():
        path, _, anchor = target.partition("#")
        file = (root / doc.path.parent / path).resolve() if path else root / doc.path
        if not file.exists():
            yield f"{doc.path}:{number}: the link {target} leads nowhere"
        elif anchor and file.suffix == ".md":
            relative = Path(file).resolve().relative_to(root.resolve())
            if anchor not in Document(root, relative).anchors():
                yield f"{doc.path}:{number}: there is no heading for {target}"


def _fences(root, doc):
    for number, line in doc.prose:
        if line.lstrip().startswith("~~~"):
            yield f"{doc.path}:{number}: write blocks between backticks"
    for fence in doc.fences:
        run_by = RUN_BY.match(fence.mark)
        if run_by and not (root / run_by.group(1)).exists():
            yield f"{doc.path}:{fence.line}: there is no {run_by.group(1)}"
        if fence.language not in LANGUAGES:
            known = ", ".join(sorted(LANGUAGES - {""}))
            yield f"{doc.path}:{fence.line}: a block of {fence.language}; known are {known}"
        elif not fence.language and COMMAND.search(fence.text):
            yield f"{doc.path}:{fence.line}: a command in a block that is not marked as sh"
