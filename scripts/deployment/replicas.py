"""Replicas of the server as processes, and haproxy in front of two."""

import json
import os
import signal
import socket
import sys
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "moto"))
from processes import Process, free_port, plain_environment

HOST = "mcp.example.com"
SECRET = "a secret of the check, of 32 bytes or more"
# Two health checks that fail take this long; the replicas' delay is more, as in the module.
INTERVAL_MS = 400
DRAIN = {"QUILT_MCP_DRAIN_DELAY_SECONDS": "3", "QUILT_MCP_DRAIN_SECONDS": "8"}


class Replica:
    def __init__(self, stack, binary, log, port, variables):
        self.binary, self.log, self.port, self.variables = binary, log, port, variables
        self.process = stack.enter_context(Process([binary, "serve"], variables, log))
        self.process.wait_until(lambda: "serving MCP" in self.process.text(), "a replica")

    @classmethod
    def new(cls, stack, binary, log, **more):
        port = free_port()
        variables = plain_environment(
            QUILT_MCP_ADDR=f"127.0.0.1:{port}",
            QUILT_MCP_ALLOWED_HOSTS=HOST,
            QUILT_MCP_LOG_FORMAT="json",
            MCP_ENHANCED_JWT_SECRET=SECRET,
            AWS_REGION="us-east-1",
            **DRAIN | more,
        )
        return cls(stack, binary, log, port, variables)

    def again(self, stack):
        """Another process in the same place."""
        log = self.log.with_suffix(".again.log")
        return Replica(stack, self.binary, log, self.port, self.variables)

    def terminate(self):
        self.process.child.send_signal(signal.SIGTERM)

    def wait(self):
        return self.process.exit_code(30)

    def lines(self):
        return [json.loads(line) for line in self.process.text().splitlines()]


class Balancer:
    program = "haproxy"

    def __init__(self, stack, work, one, two):
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        # A path of a socket has 107 bytes at most, and the working folder may be deep.
        self.socket = Path(f"/tmp/qmcp-balancer-{port}.sock")
        stack.callback(self.socket.unlink, missing_ok=True)
        text = Path(__file__).with_name("haproxy.cfg").read_text()
        filled = {"PORT": port, "SOCKET": self.socket, "INTERVAL": INTERVAL_MS}
        for name, value in (filled | {"ONE": one.port, "TWO": two.port}).items():
            text = text.replace(f"@{name}@", str(value))
        (work / "haproxy.cfg").write_text(text)
        command = [self.program, "-db", "-f", str(work / "haproxy.cfg")]
        environment = plain_environment()
        if "LD_LIBRARY_PATH" in os.environ:
            environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
        self.process = stack.enter_context(Process(command, environment, work / "haproxy.log"))
        for name in ("one", "two"):
            self.wait_for(name, "UP")

    @classmethod
    @contextmanager
    def of(cls, stack, binary, work, only_two=None, **more):
        """A balancer and its two replicas; `only_two` are variables of the second one alone."""
        one = Replica.new(stack, binary, work / "one.log", **more)
        two = Replica.new(stack, binary, work / "two.log", **more, **(only_two or {}))
        yield cls(stack, work, one, two), one, two

    def tell(self, command):
        """One command to haproxy's own socket; its answer."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(5)
            line.connect(str(self.socket))
            line.sendall(f"{command}\n".encode())
            said = b""
            while piece := line.recv(65536):
                said += piece
        return said.decode()

    def state(self, name):
        """UP, DOWN, DRAIN, … with the progress of checks taken off; nothing before it has begun."""
        try:
            rows = [row.split(",") for row in self.tell("show stat").splitlines()]
        except OSError:
            return None
        found = [r[17] for r in rows if len(r) > 36 and r[1] == name and r[36].startswith("L7OK")]
        return found[0] if found else None

    def wait_for(self, name, state):
        self.process.wait_until(lambda: self.state(name) == state, f"haproxy with {name} {state}", 20)
