"""Runs the checks, and each of them on copies that are broken on purpose (scripts/check-deploy).

    check.py WORK           all checks, then the same on broken copies
    check.py WORK --write   first writes deploy/ecs-task-definition.json out of Terraform
"""

import json
import sys
from pathlib import Path

import image
import infra
import task
from mutations import MUTATIONS
from tree import TERRAFORM, Tree

# name => (check, whether it needs terraform). A check returns problems; None: it cannot be run here.
CHECKS = {
    "hadolint": (image.hadolint, False),
    "docker build --check": (image.docker_check, False),
    "build": (image.build, False),
    "runtime": (image.runtime, False),
    "agrees with the task": (image.agrees_with_the_task, False),
    "botocore's model": (task.botocore_model, False),
    "moto's ECS": (task.moto_accepts, False),
    "hardened": (task.hardened, False),
    "no secret inline": (task.no_secret_inline, False),
    "no secret anywhere": (task.no_secret_anywhere, False),
    "variables exist": (task.variables_exist, False),
    "generated": (task.generated, True),
    "least privilege": (task.least_privilege, True),
    "an HCL parse": (infra.hcl, False),
    "checkov": (infra.checkov, False),
    "inputs arrive": (infra.inputs_arrive, False),
    "nobody else gets in": (infra.nobody_else_gets_in, False),
    "terraform fmt": (infra.fmt, True),
    "terraform test": (infra.definition_tests, True),
    "terraform validate": (infra.provider_validate, True),
    "balancer": (infra.balancer, True),
    "filters know the log": (infra.filters_know_the_log, True),
}

# What is missing where a check says None; these have no negative test, since they may not run.
MISSING = {"docker build --check": "no docker builder", "terraform validate": "no AWS provider to be had"}


def problems_of(name, tree):
    check, needs_terraform = CHECKS[name]
    if needs_terraform and TERRAFORM is None:
        return None
    try:
        return check(tree)
    except ValueError as error:  # what is checked cannot be evaluated at all
        return [str(error)]


def main(work, write):
    here = Path(".")
    failed = 0
    if write:
        tree = Tree(here, work / "tree")
        text = json.dumps(tree.evaluated["task_definition"], indent=2) + "\n"
        (here / "deploy/ecs-task-definition.json").write_text(text)
    tree = Tree(here, work / "tree")
    for name, (check, _) in CHECKS.items():
        found = problems_of(name, tree)
        if found is None:
            missing = "no terraform" if CHECKS[name][1] and TERRAFORM is None else MISSING[name]
            print(f"skipped: {name}; there is {missing}")
            continue
        print(f"FAILED {name}" if found else f"ok     {name}: {check.__doc__ or ''}".rstrip(": "))
        print("".join(f"         {problem}\n" for problem in found), end="")
        failed += bool(found)
    print("skipped: terraform plan; it needs an AWS account")
    failed += negative(here, work)
    print(f"{failed} FAILED" if failed else "everything holds")
    return 1 if failed else 0


def negative(here, work):
    """Each check has to notice what it is for; the number of those that do not."""
    failed, noticed, unbroken = 0, 0, set(CHECKS) - {name for name, *_ in MUTATIONS}
    for name, file, old, new in MUTATIONS:
        if CHECKS[name][1] and TERRAFORM is None:
            continue
        tree = Tree(here, work / "broken")
        tree.replace(file, old, new)
        if problems_of(name, tree):
            noticed += 1
        else:
            print(f"FAILED {name} does not notice {new[:60]!r} in {file}")
            failed += 1
    for name in sorted(unbroken - set(MISSING)):
        print(f"FAILED {name} has no negative test")
        failed += 1
    print(f"ok     negative tests: {noticed} broken copies were noticed")
    return failed


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), "--write" in sys.argv[2:]))
