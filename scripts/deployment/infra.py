"""Checks of the Terraform."""

import re
from pathlib import Path

import logpattern
from tree import MODULE, TERRAFORM, failure, program, run, unquoted

EXAMPLE = "deploy/terraform/examples/basic"


def fmt(tree):
    return failure([TERRAFORM, "fmt", "-check", "-recursive", "-diff", "deploy"], tree.root)


def hcl(tree):
    """A parser that is not Terraform's reads every file."""
    try:
        return [] if len(tree.hcl("deploy/terraform")) > 10 else ["too few files"]
    except Exception as error:  # the parser's own kinds of errors
        return [f"{type(error).__name__}: {error}"]


def definition_tests(tree):
    """`validate` and `test` of the part that needs no provider."""
    place = tree.root / MODULE / "definition"
    problems = []
    for step in (["init", "-backend=false", "-input=false"], ["validate"], ["test"]):
        problems = problems or failure([TERRAFORM, *step, "-no-color"], place)
    return problems


def provider_validate(tree):
    """`validate` of the whole. None where the AWS provider cannot be had."""
    place = tree.root / EXAMPLE
    if run([TERRAFORM, "init", "-backend=false", "-input=false", "-no-color"], place)[0] != 0:
        return None
    return failure([TERRAFORM, "validate", "-no-color"], place)


def checkov(tree):
    """A policy scanner of others. Skips stand beside their reason in the code."""
    frameworks = ["--framework", "terraform", "dockerfile", "secrets"]
    options = ["--skip-download", "--quiet", "--compact", *frameworks]
    command = [program("checkov"), "-d", "deploy", "-f", "Dockerfile"]
    # One run takes a folder or files, not both.
    return failure([*command[:3], *options], tree.root) + failure(
        [command[0], *command[3:], *options], tree.root
    )


def inputs_arrive(tree):
    """Every input of the definition comes from the module, every argument of the example is an input."""
    problems = []
    inner = {name for name, _ in tree.blocks(f"{MODULE}/definition", "variable")}
    outer = {name for name, _ in tree.blocks(MODULE, "variable")}
    required = {name for name, body in tree.blocks(MODULE, "variable") if "default" not in body}
    given = arguments(tree, MODULE, "definition")
    problems += [f"the module does not set {name} of definition" for name in sorted(inner - given)]
    problems += [f"definition has no input {name}" for name in sorted(given - inner)]
    given = arguments(tree, EXAMPLE, "mcp_server")
    problems += [f"the module has no input {name}" for name in sorted(given - outer)]
    problems += [f"the example lacks {name}" for name in sorted(required - given)]
    text = "".join(path.read_text() for path in (tree.root / MODULE).glob("*.tf"))
    problems += [f"var.{n} is no input" for n in sorted(set(re.findall(r"\bvar\.(\w+)", text)) - outer)]
    problems += [f"{n} is not used" for n in sorted(outer - set(re.findall(r"\bvar\.(\w+)", text)))]
    outputs = {name for name, _ in tree.blocks(f"{MODULE}/definition", "output")}
    asked = set(re.findall(r"\bmodule\.definition\.(\w+)", text))
    return problems + [f"definition has no output {name}" for name in sorted(asked - outputs)]


def arguments(tree, folder, name):
    body = next(body for label, body in tree.blocks(folder, "module") if label == name)
    return {key for key in body if not key.startswith("__")} - {"source"}


def balancer(tree):
    """Both spellings of the path, no stickiness, readiness, and as much time as the drain."""
    resources = {kind: body for kind, _, body in tree.blocks(MODULE, "resource")}
    group = resources["aws_lb_target_group"]
    paths = re.search(r"paths = concat\(\[(.*?)\]", tree.text(f"{MODULE}/alb.tf")).group(1)
    rules = {
        "paths are not /mcp and /mcp/*": paths == '"/mcp", "/mcp/*"',
        "stickiness": group["stickiness"][0]["enabled"] in ([False], False, "false"),
        "the deregistration delay is not the drain": one(group["deregistration_delay"])
        == "${module.definition.deregistration_delay}",
        "the health path is not the definition's": one(group["health_check"][0]["path"])
        == "${module.definition.health.path}",
        "the rule is not by host and path": len(resources["aws_lb_listener_rule"]["condition"]) == 2,
        "a shell in the task": one(resources["aws_ecs_service"]["enable_execute_command"])
        in (False, "false"),
    }
    seconds = {e["name"]: e["value"] for e in tree.container["environment"]}["QUILT_MCP_DRAIN_SECONDS"]
    rules["the delay is not the drain's seconds"] = tree.evaluated["deregistration_delay"] == int(seconds)
    return [problem for problem, holds in rules.items() if not holds]


def one(value):
    """Parsers of HCL differ in whether an attribute is a list of one."""
    return unquoted(value[0] if isinstance(value, list) else value)


def nobody_else_gets_in(tree):
    """Ingress only by security group, never by address."""
    problems = []
    for kind, name, body in tree.blocks(MODULE, "resource"):
        if "ingress" in kind and {"cidr_ipv4", "cidr_ipv6", "prefix_list_id"} & set(body):
            problems.append(f"{name} admits addresses")
        if kind == "aws_security_group" and {"ingress", "egress"} & set(body):
            problems.append(f"{name} has rules of its own, which nobody checks here")
        if kind == "aws_security_group_rule":
            problems.append(f"{name}: use aws_vpc_security_group_ingress_rule")
    return problems


def filters_know_the_log(tree):
    """Patterns can be read, and name events and fields that docs/LOGGING.md has."""
    log = tree.text("docs/LOGGING.md")
    problems = []
    for name, wanted in tree.evaluated["filters"].items():
        try:
            terms = logpattern.parse(wanted["pattern"])
        except ValueError as error:
            problems.append(f"{name}: {error}")
            continue
        event = next((value for field, _, value in terms if field == "event"), None)
        section = re.search(rf'### `event = "{event}"`(.*?)(?=\n##)', log, re.S)
        if section is None:
            problems.append(f"{name}: no event {event!r}")
            continue
        fields = {field for field, _, _ in terms} | set(re.findall(r"\$\.(\w+)", wanted["value"]))
        for field in sorted(fields - {"event", "level"}):
            if f"`{field}`" not in section.group(1):
                problems.append(f"{name}: {event} lines have no {field}")
    alarms = Path(tree.root / MODULE / "logs_alarms.tf").read_text()
    return problems + [f"{n} has no alarm" for n in tree.evaluated["filters"] if f"    {n} = {{" not in alarms]
