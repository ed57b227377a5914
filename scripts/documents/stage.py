"""Where the commands of the documents run: a server with a secret of its own, whose catalog and S3 are the
demo's, and a log with something of everything in it."""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import blocks
from running import demo, quiet_environment

ROLE = "arn:aws:iam::123456789012:role/ReadOnlyQuilt"
ORIGIN = "https://catalog.example.org"


class Stage:
    """What runs, and what a document's command may use of it."""

    def __init__(self, environment, log, server, end_demo):
        self.environment, self.log = environment, log
        self.server, self.end_demo = server, end_demo

    def mint(self, *options, subject="alice", **variables):
        """A token of the same secret."""
        command = ["quilt-mcp-server", "token", "mint", "--subject", subject, *options]
        environment = {**self.environment, **variables}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def post(self, token, method="tools/list", params=None, **headers):
        """Status and headers of the answer to a message."""
        sent = {"Content-Type": "application/json"}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
        request = urllib.request.Request(self.environment["URL"], json.dumps(body).encode(), sent)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return answer.status, answer.headers
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.headers

    def lines(self):
        """The server's log so far."""
        return [json.loads(line) for line in Path(self.log).read_text().splitlines()]

    def misfortunes(self):
        """One of each that an operator asks the log about; afterwards the demo is gone, and the server."""
        good = self.environment["TOKEN"]
        other = {"MCP_ENHANCED_JWT_SECRET": secrets.token_urlsafe(48)}
        ending = self.mint("--lifetime", "1", "--bucket", "my-data")
        one_call = {"name": "bucket_objects_list", "arguments": {"bucket": "my-data"}}
        denied = {"name": "bucket_objects_list", "arguments": {"bucket": "not-mine"}}
        put = {"name": "bucket_objects_put", "arguments": {"bucket": "my-data", "items": []}}
        self.post(good, "tools/call", one_call)
        self.post(good, "tools/call", denied)
        self.post(good, "tools/call", put)
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}}
        hello["clientInfo"] = {"name": "check-docs", "version": "1"}
        _, headers = self.post(good, "initialize", hello)
        self.post(self.mint(subject="bob"), Mcp_Session_Id=headers["Mcp-Session-Id"])
        self.post(good, X_Quilt_User_Role="Unknown")
        self.post(None)
        self.post(self.mint("--bucket", "my-data", **other))
        self.post(good, Origin="https://evil.example.org")
        self.post(good, Host="evil.example.org")
        for _ in range(90):
            self.post(good)
        # Longer than the token lives, and the tolerance of clocks.
        time.sleep(2.5)
        self.post(ending)
        self.server.send_signal(signal.SIGHUP)
        self.end_demo()
        self.post(self.environment["CATALOG_TOKEN"] + "x")
        self.server.terminate()
        self.server.wait(timeout=60)


def free_address():
    """An address on loopback that nobody uses just now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{found.getsockname()[1]}"


@contextlib.contextmanager
def stage(binary):
    """Starts it all, and ends it."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "bin").mkdir()
        (folder / "bin/quilt-mcp-server").symlink_to(Path(binary).resolve())
        backing = stack.enter_context(contextlib.ExitStack())
        announced, _ = backing.enter_context(demo(binary))
        environment = quiet_environment(**_variables(announced, folder))
        log = folder / "server.log"
        with log.open("w") as output:
            server = subprocess.Popen(
                ["quilt-mcp-server", "serve"],
                env={**environment, "QUILT_MCP_JWT_LEEWAY": "0", "QUILT_MCP_USER_CALLS_PER_MINUTE": "60"},
                stdout=output,
            )
        stack.callback(_end, server)
        if not blocks.wait_until_alive(environment["QUILT_MCP_ADDR"], server):
            raise SystemExit("the server does not start:\n" + log.read_text())
        made = Stage(environment, log, server, backing.close)
        reading = ["--permission", "s3:ListBucket", "--permission", "s3:GetObject"]
        token = made.mint("--bucket", "my-data", "--role", "ReadOnlyQuilt", *reading)
        environment |= {"TOKEN": token, "CATALOG_TOKEN": announced["users"][0]["catalog_token"]}
        yield made


def _end(process):
    process.kill()
    process.wait()


def _variables(announced, folder):
    address = free_address()
    return {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "QUILT_MCP_ADDR": address,
        "URL": f"http://{address}/mcp",
        "ORIGIN": ORIGIN,
        "QUILT_MCP_ALLOWED_ORIGINS": ORIGIN,
        "MCP_ENHANCED_JWT_SECRET": secrets.token_urlsafe(48),
        "QUILT_MCP_SESSION_SECRET": secrets.token_urlsafe(48),
        "QUILT_MCP_JWT_ISSUER": "quilt-frontend",
        "QUILT_MCP_JWT_AUDIENCE": "quilt-mcp-server",
        "QUILT_MCP_ROLE_MAP": f"ReadOnlyQuilt={ROLE}",
        "QUILT_MCP_CATALOG_TOKENS": "true",
        "QUILT_CATALOG_URL": announced["catalog_url"],
        "QUILT_MCP_LOG_FORMAT": "json",
        "QUILT_MCP_METRICS_ADDR": free_address(),
        "QUILT_MCP_S3_PATH_STYLE": "true",
        "QUILT_MCP_DRAIN_DELAY_SECONDS": "0",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": announced["s3_url"],
        "AWS_ENDPOINT_URL_STS": announced["sts_url"],
        # An identity that the demo's STS does not know: every role is refused.
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE00",
        "AWS_SECRET_ACCESS_KEY": "of-nobody",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
