"""What the checks need to know of a Markdown document: fences, links, headings, words in backticks."""

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(\S*)\s*$")
MARK = re.compile(r"^<!--\s*(.*?)\s*-->$")
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)")
SPAN = re.compile(r"`([^`\n]+)`")


@dataclass
class Fence:
    """A block between backticks, and the comment right before it."""

    language: str
    mark: str
    line: int
    text: str


class Document:
    """A file, read once."""

    def __init__(self, root, path):
        self.path = path
        self.lines = (Path(root) / path).read_text().splitlines()
        self.fences, self.prose = [], []
        self._read()

    def _read(self):
        fence, before = None, ""
        for number, line in enumerate(self.lines, 1):
            found = FENCE.match(line.strip())
            if fence is not None:
                if line.strip() == "```":
                    self.fences.append(fence)
                    fence, before = None, ""
                else:
                    fence.text += line + "\n"
            elif found:
                mark = MARK.match(before.strip())
                fence = Fence(found.group(1), mark.group(1) if mark else "", number, "")
            else:
                self.prose.append((number, line))
                before = line or before
                # A comment counts only right before its block, blank lines aside.
                if line and not MARK.match(line.strip()):
                    before = ""
        if fence is not None:
            raise SystemExit(f"{self.path}:{fence.line}: this block has no end")

    def links(self):
        """Targets that are no addresses of other hosts, with their lines."""
        for number, line in self.prose:
            for target in LINK.findall(SPAN.sub("", line) if "](" not in line else line):
                if "://" not in target and not target.startswith("mailto:"):
                    yield number, target

    def anchors(self):
        """Headings as GitHub makes them addresses."""
        found = set()
        for _, line in self.prose:
            heading = re.match(r"^#{1,6}\s+(.*?)\s*#*$", line)
            if heading:
                found.add(_slug(heading.group(1), found))
        return found

    def spans(self):
        """Words in backticks, with their lines."""
        for number, line in self.prose:
            for text in SPAN.findall(line):
                yield number, text


def _slug(heading, taken):
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
    number, unique = 0, slug
    while unique in taken:
        number += 1
        unique = f"{slug}-{number}"
    return unique


def documents(root):
    """README.md and docs/*.md."""
    root = Path(root)
    paths = [Path("README.md")] + sorted(p.relative_to(root) for p in root.glob("docs/*.md"))
    return [Document(root, path) for path in paths]
