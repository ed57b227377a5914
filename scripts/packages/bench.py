"""quilt3's side of the steps of `cargo bench --bench packages`, which runs each in a process of its own.

    bench.py HOME STEP ARGUMENTS...

The endpoint and keys of S3 come by the standard input as JSON, `null` where a step needs none. Prints
what the step took and what it came to; its time is without the start of Python and the import of quilt3.
"""

import io
import json
import shutil
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path

import home


def measured(step):
    """(what the step returns, what it took): seconds by the clock and of CPU, the peak in bytes."""
    Path("/proc/self/clear_refs").write_text("5")
    began, used = time.monotonic(), time.process_time()
    returned = step()
    wall, cpu = time.monotonic() - began, time.process_time() - used
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    return returned, {"wall": wall, "cpu": cpu, "peak": peak}


def told(took, result):
    print(json.dumps({"took": took, "result": result}, separators=(",", ":")))


def load(path):
    with open(path, encoding="utf-8") as text:
        return quilt3.Package.load(text)


def parse(path):
    top_hash, took = measured(lambda: load(path).top_hash)
    told(took, {"top_hash": top_hash})


def diff(one, two):
    found, took = measured(lambda: load(one).diff(load(two)))
    told(took, dict(zip(("added", "modified", "removed"), map(len, found), strict=True)))


def browse(bucket, name, *pages):
    """Twice: from S3, and, as a user's next process would, from quilt3's own cache on disk. quilt3 has
    no pages: each costs as much as all."""
    for _ in range(2):
        package, took = measured(lambda: quilt3.Package.browse(name, registry=f"s3://{bucket}"))
        keys = [key for key, _ in package.walk()]
        ends = {page: [keys[int(page) * 1000 - 1000], keys[int(page) * 1000 - 1]] for page in pages}
        del package
        told(took, {"entries": len(keys), **ends})


def push(bucket, name, source, copies):
    def make():
        package = quilt3.Package().set_dir("/", source, meta={"made": "for a bench"})
        return package.push(
            name,
            f"s3://{bucket}",
            message="bench",
            selector_fn=lambda *_: copies == "all",
        )

    with redirect_stdout(io.StringIO()):
        package, took = measured(make)
    told(took, {"entries": sum(1 for _ in package.walk()), "top_hash": package.top_hash})


if __name__ == "__main__":
    folder, step, *arguments = sys.argv[1:]
    # Nothing is cached from an earlier run.
    shutil.rmtree(folder, ignore_errors=True)
    home.settle(folder, is_cached=step == "browse")
    import quilt3

    session = json.load(sys.stdin)
    try:
        steps = {"parse": parse, "diff": diff, "browse": browse, "push": push}
        if session is None:
            steps[step](*arguments)
        else:
            with home.credentials(session["s3_url"], session["keys"]):
                steps[step](*arguments)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
