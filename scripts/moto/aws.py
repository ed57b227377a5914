"""moto as the AWS account of the judge: two users' buckets, two roles, the server's own identity.

Once enforcement is on, moto checks signatures, keys, session tokens and policies on every call. It
ignores session policies and expiry (the demo's own stand-ins check those), knows resources for S3 and
for roles only (so a parameter's policy names `*`), answers a presigned URL with 500, and refuses for
SSM and Athena with an XML body: whoever asks goes by the HTTP status.
"""

import json
import re
import sys
import urllib.request
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from processes import Process, free_port, plain_environment

REGION = "us-east-1"
ACCOUNT = "123456789012"
PARAMETER = "/quilt/mcp-server/jwt-secret"
BUCKETS = {"alice": "alice-lab-data", "bob": "bob-lab-data"}
OBJECT = "README.md"


def role_arn(name):
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


# What the operator maps. carol's role trusts somebody else; mallory's is in no list at all.
ROLES = {name: role_arn(f"Quilt-{name}") for name in ("alice", "bob", "carol")}
UNLISTED_ROLE = role_arn("Quilt-mallory")


def text_of(user):
    return f"Notes of {user}, for {user}'s eyes.\n"


class Moto:
    """A running moto_server. Its access log is the record of what reached it."""

    def __init__(self, work):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        program = Path(__file__).with_name("moto_and_batch.py")
        command = [sys.executable, "-B", str(program), "-H", "127.0.0.1", "-p", str(port)]
        self.process = Process(command, plain_environment(), f"{work}/moto.log")

    def __enter__(self):
        self.process.__enter__()
        try:
            self.process.wait_until(lambda: "Running on" in self.process.text(), "moto")
        except BaseException:
            self.process.__exit__()
            raise
        return self

    def __exit__(self, *error):
        self.process.__exit__(*error)

    def client(self, service, keys):
        """A client that signs with these keys, asks once and follows no environment. A third key is a
        session's token."""
        access_key, secret_key, *session = keys
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            aws_session_token=session[0] if session else None,
            config=Config(
                retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, proxies={}
            ),
        )

    def requests(self):
        """(method, path, status) of everything that reached it so far, in order."""
        plain = re.sub(r"\x1b\[[\d;]*m", "", self.process.text())
        found = re.findall(r'"(\w+) (\S+) HTTP/[\d.]+" (\d{3})', plain)
        return [(method, path, int(status)) for method, path, status in found]

    def tell(self, path, body, kind="application/json"):
        """Sends something to moto's own controls, which no AWS has; the status."""
        request = urllib.request.Request(f"{self.url}/moto-api/{path}", body, {"Content-Type": kind})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            return answer.status

    def enforce(self):
        """From now on every call needs a policy that allows it."""
        status = self.tell("reset-auth", b"0", "text/plain")
        if status != 200:
            raise RuntimeError(f"moto does not enforce: {status}")

    def sessions(self):
        """The roles that were assumed so far, in order: (role ARN, session policy or None)."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.url}/moto-api/data.json", timeout=30) as answer:
            made = json.load(answer)["sts"]["AssumedRole"]
        return [(session["role_arn"], session["policy"]) for session in made]


def status_of(call, **arguments):
    """The HTTP status of one AWS call."""
    try:
        return call(**arguments)["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


def allow(*pairs):
    """A policy of (actions, resources)."""
    body = [{"Effect": "Allow", "Action": a, "Resource": r} for a, r in pairs]
    return json.dumps({"Version": "2012-10-17", "Statement": body})


def trust(user):
    principal = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{user}"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def task_policy():
    """What docs/AUTH.md says the server's own identity needs, as far as moto can tell it."""
    return allow(("ssm:GetParameter", "*"), ("sts:AssumeRole", list(ROLES.values())))


def bucket_policy(bucket):
    return allow(
        ("s3:ListBucket", f"arn:aws:s3:::{bucket}"),
        (["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], f"arn:aws:s3:::{bucket}/*"),
    )


def found_account(moto, secret):
    """Sets the account up, then turns enforcement on; the keys of its three users."""
    anybody = ("founder", "founder")
    iam, s3 = moto.client("iam", anybody), moto.client("s3", anybody)
    keys = {}
    for user, policy in [
        ("admin", allow(("*", "*"))),
        ("task", task_policy()),
        ("idle", allow(("sts:GetCallerIdentity", "*"))),
    ]:
        iam.create_user(UserName=user)
        iam.put_user_policy(UserName=user, PolicyName="only", PolicyDocument=policy)
        made = iam.create_access_key(UserName=user)["AccessKey"]
        keys[user] = (made["AccessKeyId"], made["SecretAccessKey"])
    for user, arn in ROLES.items():
        name = arn.rpartition("/")[2]
        trusted = "admin" if user == "carol" else "task"
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(trusted))
        policy = bucket_policy(BUCKETS.get(user, "nothing"))
        iam.put_role_policy(RoleName=name, PolicyName="own-bucket", PolicyDocument=policy)
    for user, bucket in BUCKETS.items():
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key=OBJECT, Body=text_of(user).encode())
    set_secret(moto.client("ssm", anybody), secret)
    moto.enforce()
    return keys


def set_secret(ssm, secret):
    """Writes the token secret into the parameter store."""
    ssm.put_parameter(Name=PARAMETER, Value=secret, Type="SecureString", Overwrite=True)
