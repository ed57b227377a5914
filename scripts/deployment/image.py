"""Checks of the Dockerfile."""

import json
import shlex

from dockerfile_parse import DockerfileParser
from tree import failure, program, run


def steps(path):
    """(instruction, value) without comments, of each stage; a stage begins with its FROM."""
    with open(path, "rb") as file:
        found = DockerfileParser(fileobj=file).structure
    stages = []
    for step in found:
        name, value = step["instruction"], step["value"]
        if name == "FROM":
            stages.append([])
        if name != "COMMENT":
            stages[-1].append((name, value))
    return stages


def last(stage, name):
    """The last value of an instruction, or nothing."""
    return next((value for n, value in reversed(stage) if n == name), "")


def hadolint(tree):
    return failure([program("hadolint"), "--failure-threshold", "style", "Dockerfile"], tree.root)


def docker_check(tree):
    """BuildKit's own lint, where there is a builder."""
    if run(["sh", "-c", "docker buildx version && docker info"], tree.root)[0] != 0:
        return None
    return failure(["docker", "build", "--check", "."], tree.root)


def is_exec_form(value):
    try:
        return isinstance(json.loads(value), list)
    except ValueError:
        return False


def build(tree):
    """Locked, without the demo, from images that have a version."""
    *builders, final = steps(tree.root / "Dockerfile")
    problems = []
    builds = [value for stage in builders for name, value in stage if name == "RUN" and " build " in value]
    if not builds:
        problems.append("no build")
    for value in builds:
        words = shlex.split(value)
        for flag in ("--locked", "--release", "--no-default-features"):
            if flag not in words:
                problems.append(f"a build without {flag}")
    for stage in [*builders, final]:
        base = stage[0][1].split()[0]
        tag = base.partition("@")[0].rpartition("/")[2].partition(":")[2]
        if base != "scratch" and tag in ("", "latest"):
            problems.append(f"FROM {base} has no version")
    return problems


def runtime(tree):
    """What runs: nobody's user, no shell, asked by itself."""
    final = steps(tree.root / "Dockerfile")[-1]
    problems = []
    if final[0][1] != "scratch":
        problems.append("the last stage has a base, and so perhaps a shell")
    user = last(final, "USER").partition(":")[0]
    if not user.isdigit() or int(user) == 0:
        problems.append(f"USER {user!r} is root, or no number")
    check = last(final, "HEALTHCHECK").partition("CMD")[2].strip()
    if not is_exec_form(check) or json.loads(check)[1:] != ["healthcheck"]:
        problems.append("HEALTHCHECK is not the binary's own")
    if not is_exec_form(last(final, "ENTRYPOINT")) or not is_exec_form(last(final, "CMD")):
        problems.append("ENTRYPOINT and CMD have to be lists: there is no shell")
    if any(name in ("ADD", "RUN") for name, _ in final):
        problems.append("the last stage adds or runs something")
    return problems


def agrees_with_the_task(tree):
    """Image and task definition: the same user, port, health check."""
    final, container = steps(tree.root / "Dockerfile")[-1], tree.container
    check = json.loads(last(final, "HEALTHCHECK").partition("CMD")[2])
    port = int(last(final, "EXPOSE"))
    pairs = {
        "user": (last(final, "USER"), container.get("user")),
        "health check": (["CMD", *check], container["healthCheck"]["command"]),
        "port": (port, container["portMappings"][0]["containerPort"]),
        "address": (last(final, "ENV"), f"QUILT_MCP_ADDR=0.0.0.0:{port}"),
    }
    return [f"{what}: {ours} and {theirs}" for what, (ours, theirs) in pairs.items() if ours != theirs]
