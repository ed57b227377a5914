"""The server under judgement as a process, tokens for it, and MCP by plain HTTP.

Tokens are made here with `hmac` alone: an implementation of its own, which shares nothing with the
server's.
"""

import base64
import hashlib
import hmac
import http.client
import json
import time
import urllib.error
import urllib.request

from aws import PARAMETER, REGION, ROLES
from processes import Process, free_port, plain_environment

KID = "frontend-enhanced"
ISSUER, AUDIENCE = "quilt-frontend", "quilt-mcp-server"


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(secret, user, buckets, role, more=()):
    """An enhanced token, good for ten minutes, as the catalog's front end (or a forger) signs it.

    `more` are permissions beside those of objects."""
    now = int(time.time())
    permissions = ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:PutObject", *more]
    header = {"alg": "HS256", "typ": "JWT", "kid": KID}
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": f"{user}-of-the-judge",
        "iat": now,
        "exp": now + 600,
        "jti": f"{user}-{time.time_ns()}",
        "permissions": permissions,
        "buckets": buckets,
        "roles": [role],
    }
    signed = ".".join(encode(json.dumps(part).encode()) for part in (header, claims))
    signature = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{encode(signature)}"


class Server:
    """`serve` with the task user's keys in its environment, and AWS at moto's address."""

    def __init__(self, binary, moto, task_keys, log, **more):
        self.address = f"127.0.0.1:{free_port()}"
        variables = {
            "QUILT_MCP_ADDR": self.address,
            "QUILT_MCP_LOG_FORMAT": "json",
            "MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER": PARAMETER,
            "QUILT_MCP_JWT_ISSUER": ISSUER,
            "QUILT_MCP_JWT_AUDIENCE": AUDIENCE,
            "QUILT_MCP_ROLE_MAP": ",".join(f"{name}={arn}" for name, arn in ROLES.items()),
            "QUILT_MCP_S3_PATH_STYLE": "true",
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": moto.url,
            "AWS_ACCESS_KEY_ID": task_keys[0],
            "AWS_SECRET_ACCESS_KEY": task_keys[1],
            **more,
        }
        self.process = Process([binary, "serve"], plain_environment(**variables), log)

    def __enter__(self):
        self.process.__enter__()
        try:
            self.process.wait_until(lambda: "serving MCP" in self.process.text(), "the server")
        except BaseException:
            self.process.__exit__()
            raise
        return self

    def __exit__(self, *error):
        self.process.__exit__(*error)

    def lines(self):
        """The log so far; every line has to be JSON."""
        return [json.loads(line) for line in self.process.text().splitlines()]

    def call(self, bearer, tool, **arguments):
        """(HTTP status, body) of one tools/call."""
        body, headers = message(bearer, tool, arguments)
        request = urllib.request.Request(f"http://{self.address}/mcp", body, headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return answer.status, body_of(answer)
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.load(refusal)

    def ask(self, bearer, tool, **arguments):
        """Sends one tools/call and waits for nothing; closing what is returned is leaving."""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        connection.request("POST", "/mcp", *message(bearer, tool, arguments))
        return connection


def body_of(answer):
    """The JSON-RPC answer: by itself, or as the last event of a stream, where it was slow."""
    text = answer.read().decode()
    if answer.headers.get_content_type() == "text/event-stream":
        text = [line for line in text.splitlines() if line.startswith("data:")][-1][5:]
    return json.loads(text)


def message(bearer, tool, arguments):
    """Body and headers of one tools/call."""
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": tool, "arguments": arguments},
    }
    headers = {
        "Authorization": f"Bearer {bearer}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2025-11-25",
    }
    return json.dumps(body).encode(), headers


def code_of(answer):
    """`ok`, or the stable code of a refusal: of the HTTP body, or of the tool's error."""
    status, body = answer
    if status != 200:
        return f"{status} {body.get('error')}"
    result = body["result"]
    return result["structuredContent"]["code"] if result.get("isError") else "ok"


def output_of(answer):
    return answer[1]["result"]["structuredContent"]
