"""Tokens, and MCP by plain HTTP, for the checks that run servers. Tokens are made with `hmac` alone."""

import base64
import hashlib
import hmac
import http.client
import json
import time

KID = "frontend-enhanced"


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(secret, user="alice", lifetime=600):
    """An enhanced token of this user; with a negative lifetime one that is over."""
    now = int(time.time())
    claims = {"sub": user, "iat": now - 3600, "exp": now + lifetime, "jti": f"{user}-{time.time_ns()}"}
    claims |= {"permissions": ["s3:GetObject"], "buckets": [f"{user}-data"], "roles": ["Nobody"]}
    header = {"alg": "HS256", "typ": "JWT", "kid": KID}
    signed = ".".join(encode(json.dumps(part).encode()) for part in (header, claims))
    signature = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{encode(signature)}"


def headers(bearer=None, host=None, **more):
    """Headers of a POST; `mcp_session_id="…"` becomes Mcp-Session-Id."""
    found = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2025-11-25",
    }
    if bearer:
        found["Authorization"] = f"Bearer {bearer}"
    if host:
        found["Host"] = host
    return found | {name.replace("_", "-"): value for name, value in more.items()}


def message(method, **params):
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()


INITIALIZE = message(
    "initialize",
    protocolVersion="2025-11-25",
    capabilities={},
    clientInfo={"name": "check", "version": "1"},
)
CALL = message("tools/call", name="auth_status", arguments={})


class Answer:
    def __init__(self, answer):
        self.status, self.headers = answer.status, answer.headers
        self.text = answer.read().decode(errors="replace")

    def is_ok(self):
        """Whether a tool was called and did not fail. auth_status needs no AWS."""
        if self.status != 200:
            return False
        result = json.loads(self.text).get("result", {})
        return "content" in result and not result.get("isError")


def post(address, body, path="/mcp", **more):
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection(address, timeout=20)
    try:
        connection.request("POST", path, body, headers(**more))
        return Answer(connection.getresponse())
    finally:
        connection.close()


def get(address, path, host):
    connection = http.client.HTTPConnection(address, timeout=20)
    try:
        connection.request("GET", path, headers={"Host": host})
        return Answer(connection.getresponse())
    finally:
        connection.close()
