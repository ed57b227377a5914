"""Runs the commands of the documents, each document in a clean folder."""

import re
import subprocess
import tempfile
import time
import urllib.request

SECONDS = 120
EXITS = re.compile(r"^exits (\d+)$")
#: Why a block is not run here, as the comment before it says.
SKIPPED = re.compile(r"^(needs AWS|needs docker|needs AWS and docker|long: .+)$")
#: Programs that reach beyond this machine, or change it: never run, so a block with one says what it needs.
FAR = re.compile(r"(?:^|[|;&(]|\bexec)\s*(aws|docker|terraform|sudo|apt|apt-get|git|systemctl)\b", re.M)


def problems(docs, environment, serve_address):
    """Runs each `sh` block; every one has to be run or to say why not."""
    ran, skipped = 0, {}
    found = []
    for doc in docs:
        with tempfile.TemporaryDirectory() as folder:
            for fence in (fence for fence in doc.fences if fence.language == "sh"):
                place = f"{doc.path}:{fence.line}"
                if SKIPPED.match(fence.mark):
                    skipped.setdefault(fence.mark.split(":")[0], []).append(place)
                    continue
                problem = _run(fence, folder, environment, serve_address)
                ran += 1
                if problem:
                    found.append(f"{place}: {problem}")
    told = "".join(f"; {why}: {', '.join(places)}" for why, places in skipped.items())
    print(f"check-docs: {ran} blocks ran{told}")
    return found


def _run(fence, folder, environment, serve_address):
    wanted, far = EXITS.match(fence.mark), FAR.search(fence.text)
    if far:
        return f"{far.group(1)} is not run here: mark the block, as in <!-- needs AWS -->"
    if fence.mark == "serves":
        return _serves(fence, folder, environment, serve_address)
    if fence.mark and not wanted:
        return f"the mark {fence.mark!r} is not known"
    try:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", fence.text],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"it runs longer than {SECONDS} s"
    code = int(wanted.group(1)) if wanted else 0
    if done.returncode == code:
        return None
    return f"exit code {done.returncode} instead of {code}:\n{done.stdout[-800:]}{done.stderr[-1600:]}"


def _serves(fence, folder, environment, address):
    """A command that does not end: it has to answer, and to stop when it is told to."""
    # The server beside has the other address of metrics.
    environment = {**environment, "QUILT_MCP_ADDR": address, "QUILT_MCP_METRICS_ADDR": ""}
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", f"exec {fence.text.strip()}"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            answers = wait_until_alive(address, process)
            process.terminate()
            code = process.wait(timeout=40)
        finally:
            process.kill()
            process.wait()
        output.seek(0)
        if answers and code == 0:
            return None
        return f"it does not answer at /healthz, or ends with {code}:\n{output.read()[-1600:]}"


def wait_until_alive(address, process, seconds=30):
    """Whether a server answers there before its time is over."""
    ends = time.monotonic() + seconds
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < ends and process.poll() is None:
        try:
            with opener.open(f"http://{address}/healthz", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            time.sleep(0.05)
    return False
