"""What quilt3 itself takes, for docs/PERFORMANCE.md. Prints JSON: seconds of the clock and of the
process's CPU, and peak memory in bytes.

    bench.py BINARY WORK [ENTRIES] [OBJECTS]

ENTRIES (1,000,000) are in the manifests that are parsed, hashed, browsed and compared; OBJECTS (10,000)
are in the package that is pushed by reference from the S3 of BINARY's demo. Each step is a process of
its own, so that one's memory is not another's; its time is without the start of Python and the import
of quilt3. The peak is the whole process's.
"""

import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

import home

HERE = Path(__file__).resolve()


def timed(step):
    """What the step returns, and its seconds: by the clock, and of CPU (all threads)."""
    began, used = time.monotonic(), time.process_time()
    result = step()
    seconds = {"wall": time.monotonic() - began, "cpu": time.process_time() - used}
    return result, {name: round(value, 3) for name, value in seconds.items()}


def parse_and_hash(path):
    from quilt3 import Package

    with open(path, encoding="utf-8") as text:
        package, parsing = timed(lambda: Package.load(text))
    top_hash, hashing = timed(lambda: package.top_hash)
    return {"parse": parsing, "hash": hashing, "top_hash": top_hash}


def browse(name, bucket):
    """Cold: the client has no cache. Every page costs this; quilt3 has no pages."""
    from quilt3 import Package

    package, seconds = timed(lambda: Package.browse(name, registry=f"s3://{bucket}"))
    keys, walking = timed(lambda: [key for key, _ in package.walk()])
    return {"browse": seconds, "walk": walking, "entries": len(keys)}


def diff(one, two):
    from quilt3 import Package

    def load(path):
        with open(path, encoding="utf-8") as text:
            return Package.load(text)

    packages, parsing = timed(lambda: [load(one), load(two)])
    found, comparing = timed(lambda: packages[0].diff(packages[1]))
    counts = dict(zip(("added", "modified", "deleted"), map(len, found), strict=True))
    return {"parse_both": parsing, "diff": comparing, **counts}


def push(name, bucket, prefix):
    """By reference: nothing is copied, every object is read to be hashed."""
    from quilt3 import Package

    package = Package()
    _, listing = timed(lambda: package.set_dir("/", f"s3://{bucket}/{prefix}"))
    entries = sum(1 for _ in package.walk())
    _, pushing = timed(
        lambda: package.push(name, f"s3://{bucket}", selector_fn=lambda *_: False, force=True)
    )
    return {"list": listing, "push": pushing, "entries": entries}


STEPS = {step.__name__: step for step in (parse_and_hash, browse, diff, push)}


def child(step, arguments):
    """One step in a fresh process: what it returned, and the most memory it had."""
    command = [sys.executable, "-B", str(HERE), "--step", step, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def step(name, *arguments):
    result = STEPS[name](*arguments)
    # Kilobytes on Linux.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({**result, "peak_rss_bytes": peak}))


def seed(user, count, bucket, prefix):
    """Small objects that differ; with quilt3's own checksum, as its uploads have."""
    from concurrent.futures import ThreadPoolExecutor

    s3 = home.s3()

    def put(at):
        key, body = f"{prefix}{at // 100:03}/{at:05}.txt", f"object {at}\n" * 8
        s3.put_object(Bucket=bucket, Key=key, Body=body, ChecksumAlgorithm="SHA256")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(count)))


def measure(binary, work, entries, objects):
    import quilt3
    from demo import Demo

    import generate

    bucket, name, prefix = "quilt-alice-lab", "bench/large", "bench/small/"
    one, two = Path(work) / "bench-1.jsonl", Path(work) / "bench-2.jsonl"
    generate.write(one, entries, bucket)
    generate.write(
        two, entries, bucket, changed=lambda at: at % 1000 == 1, dropped=lambda at: at % 1000 == 2
    )
    print("generated", file=sys.stderr)
    results = {
        "machine": {
            "cpus": os.cpu_count(),
            "python": platform.python_version(),
            "system": platform.platform(),
            "load": os.getloadavg(),
        },
        "quilt3": quilt3.__version__,
        "entries": entries,
        "objects": objects,
        "manifest_bytes": one.stat().st_size,
    }

    def note(step, *arguments):
        results[step] = child(step, arguments)
        print(step, results[step], file=sys.stderr)

    note("parse_and_hash", one)
    note("diff", one, two)
    with Demo(binary, Path(work) / "bench-demo.log") as demo:
        alice = demo.users["alice"]
        with alice.acting():
            seed(alice, objects, bucket, prefix)
            note("push", "bench/small", bucket, prefix)
            top_hash, s3 = results["parse_and_hash"]["top_hash"], home.s3()
            with one.open("rb") as body:
                s3.put_object(Bucket=bucket, Key=f".quilt/packages/{top_hash}", Body=body)
            pointer = f".quilt/named_packages/{name}/latest"
            s3.put_object(Bucket=bucket, Key=pointer, Body=top_hash)
            note("browse", name, bucket)
    for path in (one, two):
        path.unlink()
    results["machine"]["load_after"] = os.getloadavg()
    print(json.dumps(results, indent=2))


def main(binary, work, entries="1000000", objects="10000"):
    home.settle(Path(work) / "home")
    measure(binary, work, int(entries), int(objects))


if __name__ == "__main__":
    # A step has its settings from the process that began it.
    if sys.argv[1] == "--step":
        step(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
