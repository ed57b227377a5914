"""Judges queries by moto's Athena: what reaches it, as whom, and what comes of it.

What moto cannot judge is left to the demo's Athena: tables and the buckets behind them, Athena's own
failures, and session policies in force. Those that the server sends are read here by moto's rules.
"""

import csv
import io

from athena import (
    ABSENT,
    COLUMNS,
    ENFORCING,
    OPEN,
    PERMISSIONS,
    RESULTS,
    ROWS,
    SERVER_PLACE,
    UNLISTED,
    WORKGROUP_PLACE,
    allows,
    queue_rows,
    session_keys,
)
from aws import ACCOUNT, BUCKETS, REGION, ROLES, status_of
from checks import Watch, check
from mcp import code_of, output_of, token

SQL = "SELECT 1 AS n"
VALUES = [[1, ROWS[0][1], "0.50", True], [2, None, None, False], [3, "", "1.00", None]]


def bearer_of(secret, user, role=None, permissions=PERMISSIONS):
    """A token with the permissions of queries; without a bucket, as no query here names a table."""
    return token(secret, user, [BUCKETS[role or user]], role or user, permissions)


def moto_judges_queries(moto, keys):
    """The judge before the judgement."""
    start = {"QueryString": SQL, "WorkGroup": UNLISTED}
    for who, used, wanted in [
        ("the server's own key starts no query", keys["task"], 403),
        ("bob's role starts none", session_keys(moto, keys, "bob"), 403),
        ("alice's role starts one", session_keys(moto, keys, "alice"), 200),
    ]:
        status = status_of(moto.client("athena", used).start_query_execution, **start)
        check(f"moto: {who}", status, wanted)
    # The reason why session policies in force are left to the demo. Should it fail: judge them here.
    denied = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}'
    used = session_keys(moto, keys, "alice", Policy=denied)
    status = status_of(moto.client("athena", used).start_query_execution, **start)
    check("moto: a session policy that denies everything is ignored", status, 200)


def rows_in_every_format(server, moto, bearer):
    """The id of the first query."""
    ids = []
    for form in ("json", "csv", "table"):
        queue_rows(moto)
        answer = server.call(bearer, "athena_query_execute", query=SQL, output_format=form)
        found = output_of(answer)
        check(f"a query, {form}", (code_of(answer), found.get("row_count")), ("ok", len(ROWS)))
        columns = [(column["name"], column["type"]) for column in found.get("columns", [])]
        check(f"its columns, {form}", (columns, found.get("truncated")), (COLUMNS, False))
        check(f"its rows, {form}", rows_of(found, form), rows_wanted(form))
        ids.append(found.get("query_execution_id"))
    again = output_of(server.call(bearer, "athena_query_results", query_execution_id=ids[0]))
    check("its rows by its id", again.get("rows"), VALUES)
    pages, place = [], {}
    for _ in ROWS:
        answer = server.call(
            bearer, "athena_query_results", query_execution_id=ids[0], max_results=1, **place
        )
        found = output_of(answer)
        pages.extend(found.get("rows", []))
        place = {"next": found.get("next")}
    check("its rows, one by one", (pages, place), (VALUES, {"next": None}))
    return ids[0]


def rows_of(found, form):
    match form:
        case "json":
            return found.get("rows")
        case "csv":
            return list(csv.reader(io.StringIO(found.get("text", ""))))
        case _:
            names, _rule, *rows = found.get("text", "\n").splitlines()
            return [[cell.strip() for cell in line.split("|")] for line in (names, *rows)]


def rows_wanted(form):
    names = [name for name, _ in COLUMNS]
    match form:
        case "json":
            return VALUES
        case "csv":
            return [names, *[[cell or "" for cell in row] for row in ROWS]]
        case _:
            return [names, *[["NULL" if cell is None else cell for cell in row] for row in ROWS]]


def as_moto_has_it(athena, query):
    """Text, database, workgroup, place and parameters of a query, by boto3."""
    told = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
    return {
        "text": told["Query"].splitlines(),
        "database": told.get("QueryExecutionContext", {}).get("Database"),
        "workgroup": told.get("WorkGroup"),
        "place": told.get("ResultConfiguration", {}).get("OutputLocation"),
        "parameters": told.get("ExecutionParameters"),
        "state": told["Status"]["State"],
    }


def as_it_was_asked(server, moto, keys, bearer, sessions):
    """Where the location is the workgroup's, and where it is the server's. `sessions` there were before
    the server's first."""
    athena = moto.client("athena", keys["admin"])
    asked = {"query": f"{SQL} WHERE ? = 'x'", "database_name": "lab-1", "parameters": ["it's"]}
    places = []
    for workgroup, place in [(ENFORCING, None), (OPEN, SERVER_PLACE)]:
        queue_rows(moto)
        answer = server.call(bearer, "athena_query_execute", workgroup_name=workgroup, **asked)
        check(f"a query in {workgroup}", code_of(answer), "ok")
        query = output_of(answer)["query_execution_id"]
        told = as_moto_has_it(athena, query)
        text, *mark = told["text"]
        check(f"moto has its text, {workgroup}", text, asked["query"])
        marked = [line.rpartition(" ")[0] for line in mark]
        check(f"the server's comment is its last line, {workgroup}", marked, ["-- quilt-mcp-server caller"])
        context = (told["workgroup"], told["database"], told["parameters"], told["state"])
        wanted = (workgroup, "lab-1", ["'it''s'"], "SUCCEEDED")
        check(f"moto has workgroup, database and parameter, {workgroup}", context, wanted)
        folder = f"{place}{mark[0].rpartition(' ')[2]}/{query}.csv" if place else None
        check(f"where its result lies, {workgroup}", told["place"], folder)
        places.append(told["place"])
    key = places[1].removeprefix(f"s3://{RESULTS}/")
    body = moto.client("s3", keys["admin"]).get_object(Bucket=RESULTS, Key=key)["Body"].read()
    check("moto wrote the result there", body.decode().splitlines()[0], '"n","name","share","good"')
    sessions = moto.sessions()[sessions:]
    check("the sessions are of alice's role, and no other", {role for role, _ in sessions}, {ROLES["alice"]})
    narrowed_sessions([policy for _, policy in sessions], places[1])


def narrowed_sessions(policies, place):
    """The session policies of two queries without tables, as STS got them and as moto reads policies."""
    check("each of them has a session policy", None in policies, False)
    open_to = lambda action, resource: any(allows(policy, action, resource) for policy in policies if policy)
    group = f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/"
    folder = f"arn:aws:s3:::{place.removeprefix('s3://').rpartition('/')[0]}"
    own = f"arn:aws:s3:::{WORKGROUP_PLACE.removeprefix('s3://')}x.csv"
    for action, resource in [
        ("athena:StartQueryExecution", group + ENFORCING),
        ("athena:StopQueryExecution", group + OPEN),
        ("s3:PutObject", f"{folder}/x.csv"),
        ("s3:PutObject", own),
    ]:
        name = f"they open {action} {resource.rpartition(':')[2]}"
        check(name, open_to(action, resource), True)
    for action, resource in [
        ("athena:StartQueryExecution", group + UNLISTED),
        ("athena:GetQueryResults", group + UNLISTED),
        ("athena:CreateWorkGroup", group + ENFORCING),
        ("athena:ListQueryExecutions", group + ENFORCING),
        ("glue:CreateTable", "*"),
        ("lambda:InvokeFunction", "*"),
        ("s3:GetObject", f"arn:aws:s3:::{BUCKETS['alice']}/README.md"),
        ("s3:GetObject", f"arn:aws:s3:::{BUCKETS['bob']}/README.md"),
        ("s3:PutObject", f"{folder.rpartition('/')[0]}/somebody-else/x.csv"),
        ("s3:DeleteObject", f"{folder}/x.csv"),
    ]:
        name = f"they do not open {action} {resource.rpartition(':')[2]}"
        check(name, open_to(action, resource), False)


def history_is_ones_own(server, moto, keys, secret, mine):
    """`anna` has alice's role: AWS would show her everything of the workgroup."""
    alice, anna = bearer_of(secret, "alice"), bearer_of(secret, "anna", "alice")
    answer = server.call(anna, "athena_query_execute", query="VALUES (1)")
    hers = output_of(answer)["query_execution_id"]
    athena = moto.client("athena", session_keys(moto, keys, "alice"))
    start = {"QueryString": SQL, "WorkGroup": ENFORCING}
    by_hand = athena.start_query_execution(**start)["QueryExecutionId"]
    all_of_them = athena.list_query_executions(WorkGroup=ENFORCING)["QueryExecutionIds"]
    check("moto lists what anna and boto3 started too", {mine, hers, by_hand} <= set(all_of_them), True)
    told = athena.batch_get_query_execution(QueryExecutionIds=[mine])["QueryExecutions"]
    single = athena.get_query_execution(QueryExecutionId=mine)["QueryExecution"]
    check("the added BatchGetQueryExecution is to boto3 what moto's own call is", told, [single])
    for user, bearer, own, foreign in [("alice", alice, mine, hers), ("anna", anna, hers, mine)]:
        answer = server.call(bearer, "athena_query_history")
        found = output_of(answer)
        listed = {past["query_execution_id"]: past["query"] for past in found.get("queries", [])}
        check(f"{user}'s history has {user}'s query", (code_of(answer), own in listed), ("ok", True))
        check(f"{user}'s history has nobody else's", {foreign, by_hand} & listed.keys(), set())
        check(f"{user}'s history was looked for in all", found.get("looked_through"), len(all_of_them))
        marks = [text for text in listed.values() if "caller" in text]
        check(f"{user}'s history shows the texts without the comment", marks, [])
        for tool in ("athena_query_results", "athena_query_cancel"):
            for whose, query in [("another's", foreign), ("boto3's", by_hand)]:
                answer = server.call(bearer, tool, query_execution_id=query)
                check(f"{user}, {whose} query, {tool}", code_of(answer), "no_such_query")


def what_there_is(server, bearer):
    """Lists, and what is over."""
    answer = output_of(server.call(bearer, "athena_workgroups_list"))
    listed = {group["name"]: group.get("configuration") for group in answer.get("workgroups", [])}
    check("the operator's workgroups are listed, and no other", list(listed), [ENFORCING, OPEN, ABSENT])
    check("a workgroup that moto does not have has no configuration", listed[ABSENT], None)
    told = [
        (group.get("description"), group.get("enforces_configuration"), group.get("output_location"))
        for group in (listed[ENFORCING], listed[OPEN])
    ]
    wanted = [(f"{ENFORCING} queries", True, WORKGROUP_PLACE), (f"{OPEN} queries", False, None)]
    check("workgroups are as moto has them", told, wanted)
    answer = output_of(server.call(bearer, "athena_databases_list"))
    names = [database["name"] for database in answer.get("databases", [])]
    check("moto's database is listed", names, ["default"])


def refused_by_the_server(server, moto, bearer):
    """What AWS is not asked for."""
    watch = Watch(moto)
    drop = {"query": "DROP TABLE lab.plates"}
    verdict = output_of(server.call(bearer, "athena_query_validate", **drop))
    check("a DROP is not allowed", (verdict.get("allowed"), verdict.get("refusal")), (False, "writes"))
    check("a DROP is not run", code_of(server.call(bearer, "athena_query_execute", **drop)), "query_refused")
    other = server.call(bearer, "athena_query_execute", query=SQL, workgroup_name=UNLISTED)
    check("a workgroup that is on no list", code_of(other), "invalid_arguments")
    check("moto was asked for none of it", watch.seen(), [])
