"""Child processes that are gone when the judge is, however it ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path


def stop_when_told():
    """SIGTERM and SIGHUP unwind like Ctrl-C does, so that every `with` block ends its process."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A program with exactly this environment; what it prints goes into a file."""

    def __init__(self, command, environment, log):
        self.log = Path(log)
        with self.log.open("wb") as sink:
            self.child = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
        self.child.wait()

    def text(self):
        return self.log.read_text(errors="replace")

    def wait_until(self, ready, what, seconds=60):
        """Polls until `ready()`; an early end or too much time is an error that shows the log."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.child.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{what} does not start:\n{self.text()[-2000:]}")
            time.sleep(0.05)

    def exit_code(self, seconds=60):
        """Waits for its own end."""
        return self.child.wait(seconds)


def plain_environment(**more):
    """Only what a program needs to run; nobody's AWS variables, proxies or profiles."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    nowhere = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    return {**kept, **nowhere, "AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "*", **more}
