"""Checks of deploy/ecs-task-definition.json and of the policies beside it."""

import json
import re

import boto3
import botocore.session
from botocore.validate import ParamValidator
from moto import mock_aws

# What may have `*` in its resource, and why: AWS knows none for it; the streams of one log group.
WIDE = {"ecr:GetAuthorizationToken": r"\*", "logs": r"arn:aws:logs:[^*]+:log-group:[^*:]+:log-stream:\*"}
TASK_ACTIONS = {"sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession", "ssm:GetParameter", "kms:Decrypt"}


def generated(tree):
    """The file is what Terraform makes of the module: the two cannot differ."""
    if tree.evaluated["task_definition"] == tree.task_definition:
        return []
    return ["it is not what examples/task_definition comes to: scripts/check-deploy --write"]


def botocore_model(tree):
    """AWS's own model of the call."""
    service = botocore.session.get_session().get_service_model("ecs")
    shape = service.operation_model("RegisterTaskDefinition").input_shape
    report = ParamValidator().validate(tree.task_definition, shape)
    return report.generate_report().splitlines() if report.has_errors() else []


def moto_accepts(tree):
    """moto registers it, and shows the container as it was sent."""
    with mock_aws():
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        client = boto3.client("ecs", region_name="us-east-1", **keys)
        try:
            made = client.register_task_definition(**tree.task_definition)["taskDefinition"]
        except Exception as error:  # whatever moto or botocore raises is the finding
            return [f"{type(error).__name__}: {error}"]
    shown = made["containerDefinitions"][0]
    return [
        f"{name} is {shown.get(name)!r} at moto"
        for name, value in tree.container.items()
        if shown.get(name) != value
    ]


def hardened(tree):
    """Not root, nothing to write to, no capability, time to drain, files enough, a log."""
    c = tree.container
    variables = {entry["name"]: entry["value"] for entry in c["environment"]}
    user = c.get("user", "").partition(":")[0]
    files = next((u["softLimit"] for u in c.get("ulimits", []) if u["name"] == "nofile"), 0)
    drain = int(variables.get("QUILT_MCP_DRAIN_SECONDS", "25"))
    log = c.get("logConfiguration", {})
    asked = c.get("healthCheck", {}).get("command", [])
    rules = {
        "user is root, or no number": user.isdigit() and int(user) > 0,
        "the root file system can be written to": c.get("readonlyRootFilesystem") is True,
        "it is privileged": c.get("privileged") is False,
        "capabilities are left": c.get("linuxParameters", {}).get("capabilities", {}).get("drop") == ["ALL"],
        "no init process": c.get("linuxParameters", {}).get("initProcessEnabled") is True,
        # 3 seconds behind the drain are for queries that have to be stopped.
        "stopTimeout is below the drain": drain + 3 <= c.get("stopTimeout", 30) <= 120,
        "nofile is too low": files >= int(variables.get("QUILT_MCP_MAX_CONNECTIONS", "1024")) + 800,
        "no awslogs": log.get("logDriver") == "awslogs" and "awslogs-group" in log["options"],
        "the health check is not the binary's": asked[:1] == ["CMD"] and asked[-1:] == ["healthcheck"],
        "no secret comes from SSM": bool(c.get("secrets")),
    }
    return [problem for problem, holds in rules.items() if not holds]


def no_secret_inline(tree):
    """Secrets are ARNs of SSM; nothing in the environment is, or looks like, one."""
    problems = []
    for entry in tree.container.get("secrets", []):
        if not re.fullmatch(r"arn:aws:ssm:[a-z0-9-]+:\d{12}:parameter/[^*]+", entry["valueFrom"]):
            problems.append(f"{entry['name']}: valueFrom is no SSM parameter")
    for entry in tree.container["environment"]:
        name, value = entry["name"], entry["value"]
        if re.search("SECRET|PASSWORD|EXTERNAL_ID|ACCESS_KEY", name) and not name.endswith("_SSM_PARAMETER"):
            problems.append(f"{name} is a secret, in the environment")
    return problems + looks_like_a_secret(json.dumps(tree.task_definition), "the task definition")


def looks_like_a_secret(text, where):
    """Keys of AWS, tokens, and long runs of mixed characters that no name has."""
    problems = []
    for found in re.findall(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bey[JK][\w-]{20,}|\bqk_\w{8,}", text):
        problems.append(f"{where}: {found[:6]}… looks like a key or a token")
    for run in re.findall(r"[A-Za-z0-9+/=_-]{32,}", text):
        mixed = all(re.search(kind, run) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
        if mixed and len(set(run)) > 16 and run.count("/") < 3:
            problems.append(f"{where}: {run[:6]}… looks like a secret")
    return problems


def no_secret_anywhere(tree):
    problems = []
    for path in sorted((tree.root / "deploy").rglob("*")):
        if path.is_file() and not {".terraform"} & set(path.parts) and "tfstate" not in path.name:
            problems += looks_like_a_secret(path.read_text(), path.relative_to(tree.root))
    return problems


def variables_exist(tree):
    """Every variable that is named in deploy/ or the Dockerfile is one of docs/CONFIG.md."""
    files = [p for p in (tree.root / "deploy").rglob("*") if p.suffix in (".tf", ".json", ".md", ".hcl")]
    problems = []
    for path in [*files, tree.root / "Dockerfile"]:
        if ".terraform" in path.parts:
            continue
        named = set(re.findall(r"\b(?:QUILT_MCP|MCP|QUILT)_[A-Z][A-Z0-9_]*\b", path.read_text()))
        problems += [f"{path.relative_to(tree.root)}: no {n}" for n in sorted(named - tree.variables)]
    set_there = {entry["name"] for entry in tree.container["environment"] + tree.container["secrets"]}
    return problems + [f"the container sets {n}" for n in sorted(set_there - tree.variables)]


def least_privilege(tree):
    """The roles may do what they must, on what they must; and only ECS of this account may take them."""
    problems = []
    for statement in tree.evaluated["trust_policy"]["Statement"]:
        if statement["Principal"] != {"Service": "ecs-tasks.amazonaws.com"}:
            problems.append(f"trust of {statement['Principal']}")
        if statement.get("Condition", {}).get("StringEquals") != {"aws:SourceAccount": "123456789012"}:
            problems.append("trust of other accounts' tasks")
    for name in ("task_policy", "execution_policy"):
        for statement in tree.evaluated[name]["Statement"]:
            for action in statement["Action"]:
                if name == "task_policy" and action not in TASK_ACTIONS:
                    problems.append(f"the task role may {action}")
                wide = WIDE.get(action, WIDE.get(action.partition(":")[0], r"[^*]+"))
                bad = [r for r in statement["Resource"] if not re.fullmatch(wide, r)]
                problems += [f"{name}: {action} on {resource}" for resource in bad]
                if "*" in action:
                    problems.append(f"{name}: {action}")
    return problems
