"""The server itself accepts the environment of the task definition (`check-config`).

    accepted.py BINARY
"""

import json
import subprocess
import sys
from pathlib import Path

STAND_IN = "stands for what ECS reads from SSM, 40 bytes"


def refusal(binary, environment):
    """What check-config says against it, or nothing."""
    done = subprocess.run(
        [binary, "check-config"], env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    return "" if done.returncode == 0 else done.stderr.strip() or f"exit code {done.returncode}"


def main(binary):
    container = json.loads(Path("deploy/ecs-task-definition.json").read_text())["containerDefinitions"][0]
    environment = {entry["name"]: entry["value"] for entry in container["environment"]}
    environment |= {entry["name"]: STAND_IN for entry in container["secrets"]}
    without = {n: v for n, v in environment.items() if n != "MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER"}
    broken = {
        "an unknown variable": environment | {"QUILT_MCP_DRAIN": "30"},
        "a role of the map that is not allowed": environment
        | {"QUILT_MCP_ALLOWED_ROLE_ARNS": "arn:aws:iam::123456789012:role/Other"},
        "no family of tokens": without,
    }
    said = refusal(binary, environment)
    print(f"FAILED check-config refuses the task's environment: {said}" if said else "ok     check-config accepts it")
    blind = [what for what, changed in broken.items() if not refusal(binary, changed)]
    print(f"FAILED check-config accepts {blind}" if blind else "ok     negative tests: and refuses broken ones")
    return 1 if said or blind else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
