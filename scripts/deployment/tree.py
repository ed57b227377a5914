"""A copy of what is checked, so that checks can be run on broken copies, and leave nothing behind."""

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cached_property
from pathlib import Path

import hcl2

CHECKED = ["Dockerfile", ".dockerignore", "Cargo.toml", "deploy", "docs/CONFIG.md", "docs/LOGGING.md"]
MODULE = "deploy/terraform/modules/mcp_server"
TERRAFORM = shutil.which("terraform")


def program(name):
    """A program of this virtual environment."""
    return str(Path(sys.executable).with_name(name))


def run(command, cwd):
    """(exit code, all output); terraform keeps quiet about what is no problem here."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    # Where providers can be had, they are kept: the working folder is not.
    if (cache := os.environ.get("TF_PLUGIN_CACHE_DIR")) is not None:
        kept["TF_PLUGIN_CACHE_DIR"] = cache
    environment = {**kept, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1", "NO_COLOR": "1"}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=170, check=False
    )
    return done.returncode, done.stdout + done.stderr


def failure(command, cwd):
    """Nothing, or the output of a command that failed, as one problem."""
    code, said = run(command, cwd)
    return [] if code == 0 else [f"{Path(command[0]).name} {command[1]}: {said.strip()}"]


def unquoted(value):
    """Parsers of HCL differ in whether a string keeps its quotes."""
    return value.strip('"') if isinstance(value, str) else value


class Tree:
    def __init__(self, source, place):
        self.root = Path(place)
        shutil.rmtree(self.root, ignore_errors=True)
        for name in CHECKED:
            of, to = Path(source) / name, self.root / name
            to.parent.mkdir(parents=True, exist_ok=True)
            if of.is_dir():
                skipped = shutil.ignore_patterns(".terraform", "*.tfstate*", ".terraform.lock.hcl")
                shutil.copytree(of, to, ignore=skipped)
            else:
                shutil.copy(of, to)

    def text(self, name):
        return (self.root / name).read_text()

    def replace(self, name, old, new):
        """Breaks something; what is not there cannot be broken."""
        text = self.text(name)
        if old not in text:
            raise LookupError(f"{name} has no {old!r} that a negative test could break")
        (self.root / name).write_text(text.replace(old, new))

    def hcl(self, folder):
        """Every .tf file of a folder, parsed: path => content."""
        found = {}
        for path in sorted((self.root / folder).rglob("*.tf")):
            with path.open() as file:
                found[path] = hcl2.load(file)
        return found

    def blocks(self, folder, kind):
        """Blocks of a kind in one folder, not below it, as (labels …, body)."""
        for path, content in self.hcl(folder).items():
            if path.parent != self.root / folder:
                continue
            for block in content.get(kind, []):
                labels = []
                while len(block) == 1 and isinstance(next(iter(block.values())), dict):
                    label, block = next(iter(block.items()))
                    labels.append(unquoted(label))
                yield (*labels, block)

    @cached_property
    def task_definition(self):
        return json.loads(self.text("deploy/ecs-task-definition.json"))

    @cached_property
    def container(self):
        return self.task_definition["containerDefinitions"][0]

    @cached_property
    def evaluated(self):
        """What examples/task_definition comes to, by Terraform itself. Raises where it does not."""
        place = self.root / "deploy/terraform/examples/task_definition"
        for step in (["init", "-backend=false"], ["apply", "-auto-approve"]):
            problems = failure([TERRAFORM, *step, "-input=false", "-no-color"], place)
            if problems:
                raise ValueError(problems[0])
        _, said = run([TERRAFORM, "output", "-json"], place)
        found = json.loads(said[said.index("{") : said.rindex("}") + 1])
        return {name: output["value"] for name, output in found.items()}

    @cached_property
    def variables(self):
        """Every variable that docs/CONFIG.md documents."""
        return set(re.findall(r"^\| `([A-Z_0-9]+)` \|", self.text("docs/CONFIG.md"), re.M))
