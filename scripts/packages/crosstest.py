"""quilt3 and the server against each other, at the S3 of the demo, each as the same user.

    crosstest.py BINARY WORK

Three lists of scenarios: quilt3 alone (alone.py: is the stand-in good enough?), what our tools wrote
(ours.py: quilt3 browses, verifies, fetches), what quilt3 wrote (theirs.py: our tools agree), and who may
(denied.py). One line for each; ends with 1 if one failed.
"""

import sys
import tempfile
import time
import traceback
from pathlib import Path

import home

# ------------------------------------------------------------------------------------------------
# Scenarios that wait for a tool which the server does not have yet. They have never run. One that
# stands here although all its tools are there is a failure: take it off the list.
WAITING = {}
# ------------------------------------------------------------------------------------------------


def run(name, scenario, place, tools):
    """Prints the line of one scenario; its first word."""
    missing = [tool for tool in WAITING.get(name, []) if tool not in tools]
    if missing:
        return say("waits", name, f"there is no {', '.join(missing)}")
    if name in WAITING:
        return say("FAILED", name, "its tools are there; take it off WAITING")
    began = time.monotonic()
    try:
        scenario(place)
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)[1:2]
        line = f"{Path(at[0].filename).name}:{at[0].lineno}: " if at else ""
        text = " ".join(str(error).split())
        return say("FAILED", name, f"{line}{type(error).__name__}: {text}")
    return say("ok", name, f"{time.monotonic() - began:.1f} s")


def say(word, name, more):
    print(f"{word:6} {name}: {more}", flush=True)
    return word


def main(binary, work):
    with tempfile.TemporaryDirectory(prefix="crosstest-", dir=work) as folder:
        home.settle(Path(folder) / "home")
        # After the home: quilt3 looks for it while it is imported.
        import alone, denied, ours, theirs
        from demo import Demo
        from place import Place

        modules = {
            module.__name__: {f"{module.__name__}.{s.__name__}": s for s in module.SCENARIOS}
            for module in (alone, ours, theirs, denied)
        }
        unknown = set(WAITING).difference(*modules.values())
        if unknown:
            sys.exit(f"WAITING names what does not exist: {sorted(unknown)}")
        words = []
        # A demo for each: its S3 holds 256 MiB, and one list of scenarios fills half of that.
        for module, scenarios in modules.items():
            with Demo(binary, Path(work) / f"demo-{module}.log") as demo:
                place, tools = Place(demo, folder), demo.users["alice"].tools()
                words += [run(name, scenario, place, tools) for name, scenario in scenarios.items()]
    counts = {word: words.count(word) for word in ("ok", "waits", "FAILED")}
    print(", ".join(f"{count} {word}" for word, count in counts.items()))
    return 1 if counts["FAILED"] or not counts["ok"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
