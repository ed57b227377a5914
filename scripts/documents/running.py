"""The built binary as a demo, for checks of the documents."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading

START_SECONDS = 60


def stop_when_told():
    """SIGTERM and SIGHUP unwind like Ctrl-C does, so that every `with` block ends its process."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))


def quiet_environment(**more):
    """The environment without what could lead a server or a client elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not _leads_away(name)}
    return {**kept, "NO_PROXY": "*", "no_proxy": "*", **more}


def _leads_away(name):
    return name.startswith(("QUILT_", "MCP_", "AWS_"))


@contextlib.contextmanager
def demo(binary, **variables):
    """Runs `demo --json` and yields its announcement and the name of the file with its log."""
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        process = subprocess.Popen(
            [binary, "demo", "--json"],
            stdout=subprocess.PIPE,
            stderr=log,
            env=quiet_environment(**variables),
            text=True,
        )
        giving_up = threading.Timer(START_SECONDS, process.kill)
        giving_up.start()
        try:
            line = process.stdout.readline()
            giving_up.cancel()
            if not line:
                raise SystemExit("the demo does not start:\n" + open(log.name).read())
            yield json.loads(line), log.name
        finally:
            giving_up.cancel()
            process.terminate()
            process.wait(timeout=60)
