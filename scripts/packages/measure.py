"""What a package of a million entries costs the server: peak memory and times.

    scripts/packages/measure.py [--max-mb 200]

Writes the manifest, runs a release build of `serve` beside the stand-ins (not in their process), prints
JSON, and fails where the peak of resident memory is above the limit.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import generate

ROOT = Path(__file__).resolve().parents[2]
COUNT = 1_000_000
TEST = "packages_memory::a_million_entries"
# These are about a second manifest while the first is in memory; they are shown and not judged.
APART = ("another_cold", "another_warm")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--max-mb", type=int, default=200)
    limit = parser.parse_args().max_mb
    folder = ROOT / "target" / "quilt3"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "million.jsonl"
    generate.write(path, COUNT, "quilt-alice-lab")
    command = ["cargo", "test", "--locked", "--release", "--test", "it", "--"]
    command += ["--ignored", "--exact", "--nocapture", TEST]
    try:
        ran = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    finally:
        path.unlink()
    lines = [line for line in ran.stdout.splitlines() if line.startswith("{")]
    if len(lines) != 1:
        sys.exit(f"no figures in:\n{ran.stdout}")
    figures = json.loads(lines[0])
    timed = {name: figure for name, figure in figures.items() if isinstance(figure, dict)}
    peak = max(figure["peak_mb"] for name, figure in timed.items() if name not in APART)
    figures |= {"peak_mb": peak, "limit_mb": limit}
    print(json.dumps(figures, indent=2))
    if peak > limit:
        sys.exit(f"{peak} MB are more than {limit} MB")


if __name__ == "__main__":
    main()
