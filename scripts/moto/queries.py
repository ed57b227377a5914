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
            # The texts in it, without what is drawn around them.
            lines = found.get("text", "").splitlines()
            return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


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
