"""Queries that are stopped, or not let begin: by time, by the caller, by a role that may not query."""

import time
from contextlib import closing

from athena import ACTIONS, ENFORCING, Slow
from aws import ROLES, allow
from checks import Watch, check
from mcp import code_of, output_of
from queries import SQL, as_moto_has_it, bearer_of

# More questions than any wait here has: a query stays where it is.
NEVER = 100_000


def until(ready, seconds=20):
    """Polls for a value that is not empty; the last one when the time is over."""
    deadline = time.monotonic() + seconds
    while not (found := ready()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


class Started:
    """The queries of the workgroup that moto got since this was made."""

    def __init__(self, moto, keys):
        self.athena = moto.client("athena", keys["admin"])
        self.before = self.ids()

    def ids(self):
        return self.athena.list_query_executions(WorkGroup=ENFORCING)["QueryExecutionIds"]

    def new(self):
        return [query for query in self.ids() if query not in self.before]

    def state(self, query):
        return as_moto_has_it(self.athena, query)["state"]

    def becomes(self, query, state):
        return until(lambda: self.state(query) == state)


def passes_its_states(server, moto, bearer):
    watch = Watch(moto)
    with Slow(moto, 2):
        answer = server.call(bearer, "athena_query_execute", query=SQL)
    check("a query that is QUEUED, then RUNNING, is waited for", code_of(answer), "ok")
    # Four looks at least; the workgroup, the start and the rows.
    check("where it was, was asked more than once", len(watch.seen()) >= 7, True)


def stopped(server, moto, keys, bearer):
    """`server` gives a query five seconds."""
    with Slow(moto, NEVER):
        started = Started(moto, keys)
        with closing(server.ask(bearer, "athena_query_execute", query=SQL)) as asked:
            (query,) = until(started.new)
            cancelled = server.call(bearer, "athena_query_cancel", query_execution_id=query)
            check("a query is cancelled", output_of(cancelled).get("state"), "CANCELLED")
            check("moto has it as cancelled", started.state(query), "CANCELLED")
            answer = asked.getresponse()
            check("the call that waited for it is told", "query_failed" in answer.read().decode(), True)
        again = server.call(bearer, "athena_query_results", query_execution_id=query)
        check("a cancelled query has no rows", code_of(again), "query_failed")

        started = Started(moto, keys)
        answer = server.call(bearer, "athena_query_execute", query=SQL)
        check("a query that does not end in its time", code_of(answer), "timeout")
        check("moto has it as stopped", [started.state(query) for query in started.new()], ["CANCELLED"])

        started = Started(moto, keys)
        leaving = server.ask(bearer, "athena_query_execute", query=SQL)
        (query,) = until(started.new)
        leaving.close()
        check("moto has the query of one who left as stopped", started.becomes(query, "CANCELLED"), True)
        check("it was stopped because he left", until(lambda: why_stopped(server, query)), ["the caller left"])
    done = output_of(server.call(bearer, "athena_query_execute", query=SQL))["query_execution_id"]
    over = server.call(bearer, "athena_query_cancel", query_execution_id=done)
    check("a query that is over stays so", output_of(over).get("state"), "SUCCEEDED")


def why_stopped(server, query):
    """What the log says of a query that was stopped."""
    of_it = [line for line in server.lines() if line.get("query_execution_id") == query]
    return [line["why"] for line in of_it if line.get("outcome") == "stopped"]


TOOLS = [
    ("athena_query_execute", {"query": SQL}),
    ("athena_query_validate", {"query": SQL, "explain": True}),
    ("athena_query_history", {}),
    ("athena_databases_list", {}),
    ("athena_tables_list", {"database_name": "default"}),
    ("athena_table_schema", {"database_name": "default", "table_name": "t"}),
]


def refused_by_aws(server, moto, keys, secret, build=""):
    """bob's token says that he may query, and his role has nothing of it."""
    bob, started = bearer_of(secret, "bob"), Started(moto, keys)
    known = started.before[0]
    by_id = {"query_execution_id": known}
    for tool, arguments in [*TOOLS, ("athena_query_results", by_id), ("athena_query_cancel", by_id)]:
        watch = Watch(moto)
        answer = server.call(bob, tool, **arguments)
        check(f"{build}bob's role may not query, {tool}", code_of(answer), "aws_access_denied")
        check(f"{build}it was moto that refused", 403 in watch.statuses(), True)
    groups = output_of(server.call(bob, "athena_workgroups_list")).get("workgroups", [])
    shown = [group["name"] for group in groups if "configuration" in group or "error" not in group]
    check(f"{build}bob is shown no workgroup's configuration", shown, [])
    check(f"{build}moto started nothing for bob", started.new(), [])


def refused_in_the_middle(server, moto, keys, secret):
    """bob's role gets more, one by one: each missing action is a refusal, and nothing runs on."""
    iam = moto.client("iam", keys["admin"])
    role, bob = ROLES["bob"].rpartition("/")[2], bearer_of(secret, "bob")
    grant = {"RoleName": role, "PolicyName": "queries"}
    lacking = lambda *names: allow(([action for action in ACTIONS if action not in names], "*"))
    for missing, states in [
        ("athena:GetWorkGroup", []),
        ("athena:StartQueryExecution", []),
        ("athena:GetQueryExecution", ["CANCELLED"]),
        ("athena:GetQueryResults", ["SUCCEEDED"]),
    ]:
        iam.put_role_policy(PolicyDocument=lacking(missing), **grant)
        started = Started(moto, keys)
        with Slow(moto, NEVER if states == ["CANCELLED"] else 1):
            answer = server.call(bob, "athena_query_execute", query=SQL)
            found = [started.state(query) for query in started.new()]
        check(f"a role without {missing}", code_of(answer), "aws_access_denied")
        check(f"a role without {missing}: what moto has of the query", found, states)
    iam.delete_role_policy(**grant)
