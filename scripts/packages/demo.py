"""The built binary as `demo --json`: its S3, its registry's credentials, its tools by plain HTTP."""

import json
import select
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import home

PROTOCOL = "2025-11-25"
#: Seconds until the demo has to be ready, and that any one answer may take.
START, ANSWER = 60, 600


class Refused(Exception):
    """A tool's error; `code` is the stable one."""

    def __init__(self, tool, code, result):
        super().__init__(f"{tool}: {code}: {json.dumps(result, ensure_ascii=False)[:600]}")
        self.code = code


class Demo:
    """A demo of its own, gone with the `with` block. What it prints (tokens) stays in memory."""

    def __init__(self, binary, log):
        self.binary, self.log = binary, Path(log)

    def __enter__(self):
        with self.log.open("wb") as sink:
            self.child = subprocess.Popen(
                [self.binary, "demo", "--json"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=sink,
            )
        try:
            ready, _, _ = select.select([self.child.stdout], [], [], START)
            line = self.child.stdout.readline() if ready else b""
            if not line.endswith(b"\n"):
                raise RuntimeError(f"the demo does not start; its log is {self.log}")
            told = json.loads(line)
        except BaseException:
            self.__exit__()
            raise
        self.s3_url, self.mcp_url = told["s3_url"], told["mcp_url"]
        self.users = {user["name"]: User(told, user) for user in told["users"]}
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
        self.child.wait()
        self.child.stdout.close()

    @property
    def pid(self):
        return self.child.pid


class User:
    """One of the demo's users: as whom quilt3 acts, and with whose tokens tools are called."""

    def __init__(self, told, user):
        self.name, self.buckets = user["name"], user["buckets"]
        self.s3_url, self.mcp_url = told["s3_url"], told["mcp_url"]
        self.tokens = {kind: user[f"{kind}_token"] for kind in ("enhanced", "catalog")}
        url = f"{told['registry_url']}/api/auth/get_credentials"
        self.keys = answer(url, self.tokens["catalog"])[1]

    def acting(self):
        """`with user.acting():` quilt3 and boto3 have the session that the registry gives out."""
        return home.credentials(self.s3_url, self.keys)

    def call(self, tool, family="enhanced", **arguments):
        """A tool's structured result, or [`Refused`] with its code."""
        params = {"name": tool, "arguments": arguments}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        status, body = answer(self.mcp_url, self.tokens[family], message)
        if status != 200 or "result" not in body:
            error = body.get("error", {})
            code = error.get("code") if isinstance(error, dict) else error
            raise Refused(tool, f"{status} {code}", body)
        result = body["result"]
        if result.get("isError"):
            raise Refused(tool, result["structuredContent"]["code"], result["structuredContent"])
        return result["structuredContent"]

    def tools(self):
        """Names of the tools that the server offers to this user."""
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        _, body = answer(self.mcp_url, self.tokens["enhanced"], message)
        return {tool["name"] for tool in body["result"]["tools"]}


def answer(url, bearer, message=None):
    """(HTTP status, JSON) of a GET, or of a POST where there is a message."""
    headers = {
        "Authorization": f"Bearer {bearer}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": PROTOCOL,
    }
    data = None if message is None else json.dumps(message).encode()
    request = urllib.request.Request(url, data, headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=ANSWER) as reply:
            text = reply.read().decode()
            # Of a stream the last event is the answer.
            events = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
            return reply.status, json.loads(events[-1] if events else text)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)
