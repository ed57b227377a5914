"""Two replicas behind haproxy, which stands in for the ALB (scripts/check-balancer).

    balancer.py BINARY HAPROXY WORK

Requests go to the replicas in turn. Nothing is tried again, so that a replica which drops a request is seen;
and at the end the same is run with faults (no delay before the end, another session secret), which have to be
noticed.
"""

import re
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import client
from load import Half, Load
from replicas import HOST, SECRET, Balancer, Replica

sys.path.insert(0, str(Path(__file__).parent.parent / "moto"))
from processes import stop_when_told

FAILED = []


def check(name, got, wanted):
    good = got == wanted
    print(f"ok     {name}" if good else f"FAILED {name}: {got!r}, but {wanted!r} was due", flush=True)
    if not good:
        FAILED.append(name)


def session_of(balancer, bearer):
    """(session id, the replica that gave it)."""
    answer = client.post(balancer.address, client.INITIALIZE, host=HOST, bearer=bearer)
    return answer.headers["Mcp-Session-Id"], answer.headers["X-Replica"]


def calls_with(balancer, bearer, session, count=4):
    """{replica: statuses} of calls within a session."""
    found = {}
    for _ in range(count):
        more = {"host": HOST, "bearer": bearer, "Mcp_Session_Id": session}
        answer = client.post(balancer.address, client.CALL, **more)
        found.setdefault(answer.headers["X-Replica"], set()).add(answer.is_ok() or answer.status)
    return found


def sessions(balancer):
    alice, bob = client.token(SECRET), client.token(SECRET, "bob")
    first, at = session_of(balancer, alice)
    second, other = session_of(balancer, alice)
    check("initialize is answered by each replica in turn", {at, other}, {"one", "two"})
    for session, where in ((first, at), (second, other)):
        found = calls_with(balancer, alice, session)
        check(f"a session of replica {where} works on both", found, {"one": {True}, "two": {True}})
    found = calls_with(balancer, bob, first)
    check("and for another user on neither (Mcp-Session-Id arrives)", found, {"one": {404}, "two": {404}})


def forwarding(balancer, replicas):
    alice = client.token(SECRET)
    ask = balancer.address
    for path, status in (("/mcp", 200), ("/mcp/", 200), ("/mcp/x", 404), ("/mcpx", 418), ("/other", 418)):
        answer = client.post(ask, client.CALL, path, host=HOST, bearer=alice)
        check(f"POST {path} is {status}", answer.status, status)
        if path == "/mcp/x":
            check("and that 404 is the server's", "not_found" in answer.text, True)
    check("GET /healthz passes", client.get(ask, "/healthz", HOST).status, 200)
    check("GET /readyz is not public", client.get(ask, "/readyz", HOST).status, 418)
    check("without Authorization 401", client.post(ask, client.CALL, host=HOST).status, 401)
    answer = client.post(ask, client.CALL, host="other.example.com", bearer=alice)
    check("Host arrives: one that is not on the list is 403", answer.status, 403)
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793"
    answer = client.post(ask, client.CALL, host=HOST, bearer=alice, X_Amzn_Trace_Id=trace)
    check("a request with X-Amzn-Trace-Id is served", answer.is_ok(), True)
    contract = Path("docs/LOGGING.md").read_text()
    if re.search(r"X-Amzn-Trace-Id", contract, re.I):
        id_ = answer.headers["x-request-id"]
        lines = [line for r in replicas for line in r.lines() if line.get("request_id") == id_]
        check("and its id is in the access line", trace in str(lines), True)


def leaves(balancer, replica, how):
    """What fails while a replica goes under load, and requests that had begun before."""
    with Load(balancer.address, client.token(SECRET)) as load:
        load.wait_for(50)
        # One waits at each replica: begun before the end, finished after it was announced.
        halves = [Half(balancer.address, client.token(SECRET)) for _ in range(2)]
        how(replica)
        time.sleep(1.5)
        ends = [half.finish() for half in halves]
        code = replica.wait()
        load.wait_for(50)
    return load, ends, code


def deregistration(stack, binary, work):
    with Balancer.of(stack, binary, work) as (balancer, one, two):
        load, ends, code = leaves(balancer, one, Replica.terminate)
        check(f"SIGTERM under load: none of {load.count} requests fails", load.failures, [])
        check("requests that had begun are answered", ends, [200, 200])
        check("the replica ends by itself", code, 0)
        check("then the other serves alone", load.last, {"two"})
        one = one.again(stack)
        balancer.wait_for("one", "UP")

        def leave(replica):
            balancer.tell("set server target_group/two state drain")
            replica.terminate()

        load, ends, code = leaves(balancer, two, leave)
        check(f"deregistration, then SIGTERM: none of {load.count} requests fails", load.failures, [])
        check("requests that had begun are answered, too", ends, [200, 200])
        check("and it ends by itself", code, 0)
        check("then the restarted one serves", load.last, {"one"})


def faults(binary, work):
    """The checks above have to fail where something is wrong."""
    with ExitStack() as stack:
        faulty = {"QUILT_MCP_DRAIN_DELAY_SECONDS": "0", "QUILT_MCP_DRAIN_SECONDS": "1"}
        with Balancer.of(stack, binary, work, **faulty) as (balancer, one, _):
            load, ends, _ = leaves(balancer, one, Replica.terminate)
        check("without a delay requests do fail", bool(load.failures), True)
        check("and without a drain those that had begun", ends == [200, 200], False)
    with ExitStack() as stack:
        other = {"QUILT_MCP_SESSION_SECRET": "another session secret of 32 bytes"}
        with Balancer.of(stack, binary, work, only_two=other) as (balancer, _, _):
            session, at = session_of(balancer, client.token(SECRET))
            found = calls_with(balancer, client.token(SECRET), session)
        away = "two" if at == "one" else "one"
        check("with two session secrets the other replica says 404", found, {at: {True}, away: {404}})


def main(binary, haproxy, work):
    Balancer.program = haproxy
    with ExitStack() as stack:
        with Balancer.of(stack, binary, work) as (balancer, one, two):
            sessions(balancer)
            forwarding(balancer, (one, two))
    with ExitStack() as stack:
        deregistration(stack, binary, work)
    faults(binary, work)
    print(f"{len(FAILED)} FAILED" if FAILED else "two replicas behind a balancer: everything holds")
    return 1 if FAILED else 0


if __name__ == "__main__":
    stop_when_told()
    sys.exit(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
