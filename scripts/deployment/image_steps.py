"""The Dockerfile's steps without docker (scripts/image-steps).

    image_steps.py WORK [--binary BINARY]

The steps are read from the Dockerfile, so they cannot differ from it. An instruction that is not understood is
an error, not skipped.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import image
from contained import Contained

sys.path.insert(0, str(Path(__file__).parent.parent / "moto"))
from processes import stop_when_told


def inside(folder, name):
    """A path of a step; it has to be relative and stay in the folder."""
    path = (folder / name).resolve()
    if name.startswith("/") or not path.is_relative_to(folder.resolve()):
        raise ValueError(f"{name} leaves the folder: it cannot be run outside of a container")
    return path


def copy(source, folder, value):
    *names, to = value.split()
    if names and names[0].startswith("--"):
        raise ValueError(f"COPY {value}: not understood")
    for name in names:
        of, target = inside(source, name), inside(folder, to)
        target = target / of.name if to.endswith("/") else target
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(of, target, dirs_exist_ok=True) if of.is_dir() else shutil.copy(of, target)


def execute(steps, source, folder, binary):
    """Runs the steps of the build stage. With a binary, cargo's are left out and it stands for their result."""
    environment = dict(os.environ, CARGO_TARGET_DIR=str(folder / "target"))
    for name, value in steps:
        if name == "RUN" and binary and "cargo " in value:
            print(f"left out: RUN {value}")
        elif name == "RUN":
            print(f"RUN {value}", flush=True)
            subprocess.run(["/bin/sh", "-c", value], cwd=folder, env=environment, check=True)
        elif name == "COPY":
            copy(source, folder, value)
        elif name == "ENV":
            key, _, text = value.partition("=")
            environment[key] = text
        elif name not in ("FROM", "WORKDIR"):
            raise ValueError(f"{name} {value}: not understood")


def root_of(stage, workdir, folder):
    """The folder that the last stage takes as its root."""
    taken = [value.split() for name, value in stage if name == "COPY"]
    if len(taken) != 1 or len(taken[0]) != 3 or not taken[0][0].startswith("--from=") or taken[0][2] != "/":
        raise ValueError("the last stage has to copy one folder of the build stage to /")
    return inside(folder, str(Path(taken[0][1]).relative_to(workdir)))


def main(work, binary):
    build, final = image.steps("Dockerfile")
    shutil.rmtree(work, ignore_errors=True)
    source, folder = work / "clone", work / "build"
    folder.mkdir(parents=True)
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ".", str(source)], check=True)
    if binary:
        (folder / "target/release").mkdir(parents=True)
        shutil.copy(binary, folder / "target/release/quilt-mcp-server")
    execute(build, source, folder, binary)
    root = root_of(final, image.last(build, "WORKDIR"), folder)
    name, _, value = image.last(final, "ENV").partition("=")
    contained = Contained(
        root,
        user=image.last(final, "USER"),
        environment={name: value},
        entrypoint=json.loads(image.last(final, "ENTRYPOINT")),
        command=json.loads(image.last(final, "CMD")),
        health=json.loads(image.last(final, "HEALTHCHECK").partition("CMD")[2]),
    )
    return contained.check(work, was_built=not binary)


if __name__ == "__main__":
    stop_when_told()
    given = sys.argv[2:]
    if given and (len(given) != 2 or given[0] != "--binary"):
        sys.exit("image_steps.py WORK [--binary BINARY]")
    sys.exit(main(Path(sys.argv[1]), given[1] if given else None))
