"""moto's Athena, as far as it goes: workgroups, who may query, queued rows, states by and by.

What moto knows of a query is its text, database, workgroup and parameters. Whatever the text is, it
passes from QUEUED by RUNNING to SUCCEEDED, at once or by so many questions, unless it is stopped; its
rows are those that were queued before. It knows no tables, so only SELECTs without a table run in the
scope `tables`; and of policies it reads no resource, so they name `*`.
"""

import json

from aws import REGION, ROLES, allow
from moto.iam.access_control import IAMPolicy, PermissionResult

RESULTS = "judge-results"
# The first enforces a location, the second leaves it to the server; the third is on no list.
ENFORCING, OPEN, UNLISTED = "judged", "open", "others"
ABSENT = "absent"
WORKGROUPS = {ENFORCING: True, OPEN: False, UNLISTED: True}
WORKGROUP_PLACE = f"s3://{RESULTS}/of-the-workgroup/"
SERVER_PLACE = f"s3://{RESULTS}/of-the-server/"

# What a token has to carry for all of the tools.
PERMISSIONS = [
    "athena:StartQueryExecution",
    "athena:GetQueryResults",
    "athena:StopQueryExecution",
    "athena:ListQueryExecutions",
    "athena:ListWorkGroups",
    "glue:GetDatabases",
    "glue:GetTables",
    "glue:GetTable",
]
# What alice's role has for them at AWS. bob's has nothing of it.
ACTIONS = [
    "athena:StartQueryExecution",
    "athena:GetQueryExecution",
    "athena:GetQueryResults",
    "athena:StopQueryExecution",
    "athena:ListQueryExecutions",
    "athena:BatchGetQueryExecution",
    "athena:GetWorkGroup",
    "athena:ListDatabases",
]

COLUMNS = [("n", "integer"), ("name", "varchar"), ("share", "decimal"), ("good", "boolean")]
ROWS = [["1", "Zürich, \"α\"", "0.50", "true"], ["2", None, None, "false"], ["3", "", "1.00", None]]


def found_athena(moto, keys):
    """Workgroups, a bucket of results, and a role that may query."""
    iam, s3 = moto.client("iam", keys["admin"]), moto.client("s3", keys["admin"])
    athena = moto.client("athena", keys["admin"])
    s3.create_bucket(Bucket=RESULTS)
    for name, enforces in WORKGROUPS.items():
        place = {"ResultConfiguration": {"OutputLocation": WORKGROUP_PLACE}} if enforces else {}
        configuration = {"EnforceWorkGroupConfiguration": enforces, **place}
        athena.create_work_group(Name=name, Configuration=configuration, Description=f"{name} queries")
    role = ROLES["alice"].rpartition("/")[2]
    policy = allow((ACTIONS, "*"))
    iam.put_role_policy(RoleName=role, PolicyName="queries", PolicyDocument=policy)


def session_keys(moto, keys, user, **more):
    """Keys of a user's role, as STS gives them to the server's own identity."""
    sts = moto.client("sts", keys["task"])
    made = sts.assume_role(RoleArn=ROLES[user], RoleSessionName="the-judge", **more)["Credentials"]
    return made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]


def queue_rows(moto):
    """The next query that starts has COLUMNS and ROWS, below a row of names as Athena writes it."""
    cell = lambda text: {} if text is None else {"VarCharValue": text}
    rows = [[name for name, _ in COLUMNS], *ROWS]
    rows = [{"Data": [cell(text) for text in row]} for row in rows]
    columns = [{"Name": name, "Type": kind} for name, kind in COLUMNS]
    body = {"region": REGION, "results": [{"rows": rows, "column_info": columns}]}
    status = moto.tell("static/athena/query-results", json.dumps(body).encode())
    if status != 201:
        raise RuntimeError(f"moto queues no rows: {status}")


class Slow:
    """While it lasts, a query changes its state at every so many questions where it is."""

    def __init__(self, moto, questions):
        self.moto, self.questions = moto, questions

    def __enter__(self):
        transition = {"progression": "manual", "times": self.questions}
        self._tell("set-transition", transition=transition)

    def __exit__(self, *_):
        self._tell("unset-transition")

    def _tell(self, what, **more):
        body = json.dumps({"model_name": "athena::execution", **more}).encode()
        status = self.moto.tell(f"state-manager/{what}", body)
        if status != 201:
            raise RuntimeError(f"moto does not {what}: {status}")


def allows(policy, action, resource):
    """Whether a policy lets an action be done, as moto reads policies."""
    return IAMPolicy(policy).is_action_permitted(action, resource) is PermissionResult.PERMITTED
