"""The judgement of Athena's tools: what is asked of which server."""

from athena import ABSENT, ENFORCING, OPEN, PERMISSIONS, SERVER_PLACE, found_athena, queue_rows
from aws import ROLES
from checks import Watch, check
from mcp import Server, code_of, output_of
from queries import (
    SQL,
    VALUES,
    as_it_was_asked,
    as_moto_has_it,
    bearer_of,
    history_is_ones_own,
    moto_judges_queries,
    refused_by_the_server,
    rows_in_every_format,
    what_there_is,
)
from stops import Started, passes_its_states, refused_by_aws, refused_in_the_middle, stopped

# moto knows no tables: what this names is in no bucket that anybody could tell.
OF_A_TABLE = {"query": "SELECT * FROM plates", "database_name": "lab"}
NOWHERE = "http://127.0.0.1:9"


def variables(moto, **more):
    return {
        "QUILT_MCP_ATHENA_WORKGROUPS": f"{ENFORCING},{OPEN},{ABSENT}",
        "QUILT_MCP_ATHENA_OUTPUT": SERVER_PLACE,
        "QUILT_MCP_ATHENA_TIMEOUT_SECONDS": "5",
        # Athena is found by its own variable alone, and so is what is asked before it.
        "AWS_ENDPOINT_URL": NOWHERE,
        "AWS_ENDPOINT_URL_ATHENA": moto.url,
        "AWS_ENDPOINT_URL_STS": moto.url,
        "AWS_ENDPOINT_URL_SSM": moto.url,
        **more,
    }


def athena(binary, unchecked, moto, keys, secret, work):
    """All of it."""
    found_athena(moto, keys)
    moto_judges_queries(moto, keys)
    alice, before = bearer_of(secret, "alice"), len(moto.sessions())
    with Server(binary, moto, keys["task"], f"{work}/athena.log", **variables(moto)) as server:
        query = rows_in_every_format(server, moto, alice)
        as_it_was_asked(server, moto, keys, alice, before)
        history_is_ones_own(server, moto, keys, secret, query)
        what_there_is(server, alice)
        refused_by_the_server(server, moto, alice)
        tables_decide(server, moto, keys, alice)
        passes_its_states(server, moto, alice)
        stopped(server, moto, keys, alice)
        refused_by_aws(server, moto, keys, secret)
        refused_in_the_middle(server, moto, keys, secret)
        not_in_the_token(server, moto, secret)
        refusals = [line for line in server.lines() if line.get("event") == "aws"]
        named = {(line.get("status"), line.get("aws_code")) for line in refusals}
        check("moto refused by HTTP status and named no code", named, {(403, None)})
    by_role = variables(moto, QUILT_MCP_ATHENA_SCOPE="role")
    with Server(binary, moto, keys["task"], f"{work}/athena-role.log", **by_role) as server:
        role_decides(server, moto, keys, secret, alice)
    log = f"{work}/athena-without-authority.log"
    with Server(unchecked, moto, keys["task"], log, **variables(moto)) as server:
        without_our_check(server, moto, keys, secret)


def tables_decide(server, moto, keys, bearer):
    """A table whose bucket AWS does not tell is not queried."""
    started = Started(moto, keys)
    answer = server.call(bearer, "athena_query_execute", **OF_A_TABLE)
    name = "where the table lies is asked of AWS, and moto refuses to tell"
    check(name, code_of(answer), "aws_access_denied")
    check("the query was not started", started.new(), [])


def not_in_the_token(server, moto, secret):
    """alice's role may query, and her token does not say so."""
    less = bearer_of(secret, "alice", permissions=[p for p in PERMISSIONS if "StartQuery" not in p])
    watch = Watch(moto)
    answer = server.call(less, "athena_query_execute", query=SQL)
    check("a token without the permission, athena_query_execute", code_of(answer), "403 insufficient_scope")
    answer = server.call(less, "athena_query_validate", query=SQL, explain=True)
    check("a token without the permission, EXPLAIN", code_of(answer), "insufficient_scope")
    check("moto was asked for none of it", watch.seen(), [])


def role_decides(server, moto, keys, secret, bearer):
    """With QUILT_MCP_ATHENA_SCOPE=role."""
    before = len(moto.sessions())
    queue_rows(moto)
    answer = server.call(bearer, "athena_query_execute", **OF_A_TABLE)
    found = output_of(answer)
    check("scope role: a query of a table", (code_of(answer), found.get("rows")), ("ok", VALUES))
    told = as_moto_has_it(moto.client("athena", keys["admin"]), found["query_execution_id"])
    asked = (told["text"][0], told["database"], told["workgroup"])
    check("scope role: moto has it", asked, (OF_A_TABLE["query"], "lab", ENFORCING))
    roles = {role for role, _ in moto.sessions()[before:]}
    check("scope role: as alice's role, and no other", roles, {ROLES["alice"]})
    whole = (ROLES["alice"], None) in moto.sessions()[before:]
    check("scope role: nothing narrows it for a query", whole, True)
    refused_by_aws(server, moto, keys, secret, "scope role: ")


def without_our_check(server, moto, keys, secret):
    """The build without it: the token's permissions count for nothing, the role's for all."""
    refused_by_aws(server, moto, keys, secret, "without our check: ")
    explain = {"query": SQL, "explain": True}
    less = {"permissions": [p for p in PERMISSIONS if "StartQuery" not in p]}
    watch = Watch(moto)
    answer = server.call(bearer_of(secret, "bob", **less), "athena_query_validate", **explain)
    check("without our check: bob's EXPLAIN, not in his token", code_of(answer), "aws_access_denied")
    check("without our check: it was moto that refused", 403 in watch.statuses(), True)
    answer = server.call(bearer_of(secret, "alice", **less), "athena_query_validate", **explain)
    check("without our check: alice's EXPLAIN, not in her token, is her role's", code_of(answer), "ok")
