"""Judges the server by moto, an AWS that others wrote:

    judge.py BINARY UNCHECKED_BINARY WORK_DIRECTORY [objects|athena]

BINARY is the ordinary build, UNCHECKED_BINARY the one with the feature `without-authority`. Prints
one line per check and ends with 1 if one failed. What moto saw is read from its access log, so that
"was not asked" and "refused" do not rest on what the server says of itself.
"""

import secrets
import sys

from aws import (
    BUCKETS,
    OBJECT,
    PARAMETER,
    ROLES,
    UNLISTED_ROLE,
    Moto,
    found_account,
    set_secret,
    status_of,
    text_of,
)
from checks import FAILED, Watch, check
from judge_athena import athena
from mcp import Server, code_of, output_of, token
from processes import stop_when_told

def uri(user):
    return f"s3://{BUCKETS[user]}/{OBJECT}"


def moto_enforces(moto, keys):
    """The judge before the judgement: one that lets everything pass proves nothing."""
    s3, ssm = moto.client("s3", keys["task"]), moto.client("ssm", keys["task"])
    for user, bucket in BUCKETS.items():
        listed = status_of(s3.list_objects_v2, Bucket=bucket)
        read = status_of(s3.get_object, Bucket=bucket, Key=OBJECT)
        check(f"moto: the server's own key lists and reads nothing of {user}", (listed, read), (403, 403))
    read = status_of(ssm.get_parameter, Name=PARAMETER, WithDecryption=True)
    write = status_of(ssm.put_parameter, Name=PARAMETER, Value="x", Type="String", Overwrite=True)
    check("moto: the server's own key reads the parameter, and does not write it", (read, write), (200, 403))
    forged = moto.client("s3", (keys["admin"][0], "wrong"))
    wrong = status_of(forged.list_objects_v2, Bucket=BUCKETS["alice"])
    admin = status_of(moto.client("s3", keys["admin"]).list_objects_v2, Bucket=BUCKETS["alice"])
    check("moto: a wrong signature is refused, a right one not", (wrong, admin), (403, 200))


def each_reaches_his_own(server, moto, secret):
    for user, other in [("alice", "bob"), ("bob", "alice")]:
        bearer = token(secret, user, [BUCKETS[user]], user)
        watch = Watch(moto)
        listed = server.call(bearer, "bucket_objects_list", bucket=BUCKETS[user])
        keys = [entry["key"] for entry in output_of(listed).get("objects", [])]
        check(f"{user} lists his own bucket", (code_of(listed), keys), ("ok", [OBJECT]))
        read = server.call(bearer, "bucket_object_text", s3_uri=uri(user))
        check(f"{user} reads his own object", output_of(read).get("text"), text_of(user))
        put = server.call(bearer, "bucket_objects_put", **written(user))
        check(f"{user} writes into his own bucket", code_of(put), "ok")
        # 206: the text tool asks for a range.
        check(f"moto saw {user} there, and refused nothing", watch.in_bucket(user), [200, 206])

        watch = Watch(moto)
        for tool, arguments in foreign(other):
            answer = server.call(bearer, tool, **arguments)
            check(f"{user}, {other}'s bucket, {tool}", code_of(answer), "bucket_not_granted")
        check(f"moto was not asked for {user} in {other}'s bucket", watch.seen(), [])
    tools = [line for line in server.lines() if line.get("event") == "tool"]
    asked = {line["upstream_calls"] for line in tools if line["outcome"] == "bucket_not_granted"}
    check("the log agrees: no upstream call for what was not granted", asked, {0})


def foreign(owner):
    return [
        ("bucket_objects_list", {"bucket": BUCKETS[owner]}),
        ("bucket_object_text", {"s3_uri": uri(owner)}),
        ("bucket_objects_put", written(owner)),
    ]


def written(owner):
    return {"bucket": BUCKETS[owner], "items": [{"key": "written.txt", "text": "by the judge"}]}


def forged_claims_end_at_aws(server, moto, secret):
    forged = token(secret, "alice", list(BUCKETS.values()), "alice")
    for tool, arguments in foreign("bob"):
        watch = Watch(moto)
        answer = server.call(forged, tool, **arguments)
        check(f"alice claims bob's bucket, {tool}", code_of(answer), "aws_access_denied")
        check("it was moto that refused", watch.in_bucket("bob"), [403])
    for role in (UNLISTED_ROLE, "arn:aws:iam::999999999999:role/Admin"):
        watch = Watch(moto)
        bearer = token(secret, "alice", list(BUCKETS.values()), role)
        answer = server.call(bearer, "bucket_objects_list", bucket=BUCKETS["bob"])
        check(f"a role that is not on the list, {role}", code_of(answer), "403 role_not_allowed")
        check("STS was not asked for it", watch.seen(), [])
    carol = token(secret, "carol", [BUCKETS["bob"]], "carol")
    answer = server.call(carol, "bucket_objects_list", bucket=BUCKETS["bob"])
    check("a listed role that does not trust this server", code_of(answer), "role_denied")


def refused_without_our_check(binary, moto, keys, secret, work):
    log = f"{work}/without-authority.log"
    with Server(binary, moto, keys["task"], log) as server:
        errors = [line["message"] for line in server.lines() if line["level"] == "ERROR"]
        said = [message for message in errors if "checks no bucket" in message]
        check("the build without our check says so at ERROR", len(said), 1)
        bearer = token(secret, "alice", [BUCKETS["alice"]], "alice")
        read = server.call(bearer, "bucket_object_text", s3_uri=uri("alice"))
        check("without our check: alice reads her own", output_of(read).get("text"), text_of("alice"))
        for tool, arguments in foreign("bob"):
            watch = Watch(moto)
            answer = server.call(bearer, tool, **arguments)
            check(f"without our check: alice, bob's bucket, {tool}", code_of(answer), "aws_access_denied")
            check("without our check: it was moto that refused", watch.in_bucket("bob"), [403])


def secret_comes_from_ssm(binary, moto, keys, old, work):
    """Another secret in SSM: tokens of the old one are worth nothing to a server started now."""
    new = secrets.token_urlsafe(48)
    set_secret(moto.client("ssm", keys["admin"]), new)
    with Server(binary, moto, keys["task"], f"{work}/other-secret.log") as server:
        for name, secret, wanted in [
            ("the secret that SSM no longer holds", old, "401 invalid_token"),
            ("the secret that SSM holds", new, "ok"),
            ("a secret of nobody's", secrets.token_urlsafe(48), "401 invalid_token"),
        ]:
            bearer = token(secret, "alice", [BUCKETS["alice"]], "alice")
            answer = server.call(bearer, "bucket_objects_list", bucket=BUCKETS["alice"])
            check(f"a token signed with {name}", code_of(answer), wanted)
    with Server(binary, moto, keys["idle"], f"{work}/no-parameter.log").process as process:
        code = process.exit_code()
        said = "HTTP 403" in process.text() and PARAMETER in process.text()
        check("an identity that may not read the parameter: no start, and why", (code, said), (1, True))


def objects(binary, unchecked, moto, keys, secret, work):
    """Objects, roles, and the secret in SSM, which this changes: it comes last."""
    with Server(binary, moto, keys["task"], f"{work}/server.log") as server:
        each_reaches_his_own(server, moto, secret)
        forged_claims_end_at_aws(server, moto, secret)
    refused_without_our_check(unchecked, moto, keys, secret, work)
    secret_comes_from_ssm(binary, moto, keys, secret, work)


def main(binary, unchecked, work, part=None):
    parts = {"athena": athena, "objects": objects}
    secret = secrets.token_urlsafe(48)
    with Moto(work) as moto:
        keys = found_account(moto, secret)
        moto_enforces(moto, keys)
        if FAILED:
            print("moto does not judge, so nothing below would mean anything", file=sys.stderr)
            return 1
        for judge in parts.values() if part is None else [parts[part]]:
            judge(binary, unchecked, moto, keys, secret, work)
    if FAILED:
        print(f"{len(FAILED)} failed; the logs are in {work}", file=sys.stderr)
    return 1 if FAILED else 0


if __name__ == "__main__":
    stop_when_told()
    sys.exit(main(*sys.argv[1:]))
