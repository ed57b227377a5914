"""Called by scripts/check-docs, which says what is checked."""

import sys

import blocks
import insights
import names
import selftest
from markdown import documents
from running import stop_when_told
from stage import free_address, stage


def main(binary, root):
    """Everything; the number of problems decides the exit code."""
    stop_when_told()
    selftest.run()
    docs = documents(root)
    found = list(names.problems(root, docs))
    with stage(binary) as running:
        found += blocks.problems(docs, running.environment, free_address())
        running.misfortunes()
        found += insights.problems(docs, running.lines())
    for problem in found:
        print(f"check-docs: {problem}", file=sys.stderr)
    print(f"check-docs: {len(docs)} documents, " + (f"{len(found)} problems" if found else "all good"))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
