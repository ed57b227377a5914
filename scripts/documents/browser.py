"""docs/examples/browser.html in a real browser, against the demo. Called by scripts/check-browser."""

import base64
import contextlib
import functools
import http.server
import json
import sys
import threading

from chromium import chromium
from running import demo, stop_when_told

FOLDER = "docs/examples"


@contextlib.contextmanager
def page_server():
    """The folder of the page, on an origin of its own."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Handler, directory=FOLDER)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def expired(token):
    """A catalog token as it is after its end. The end is looked at before the registry is asked, so
    that the signature no longer fits does not show."""
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    claims["exp"] = 1_700_000_000
    text = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return ".".join([header, text, signature])


class Checks:
    """What was expected and what was there."""

    def __init__(self):
        self.failed = 0

    def that(self, good, what, found):
        print(f"  {'ok  ' if good else 'FAIL'} {what}" + ("" if good else f"; found: {found}"))
        self.failed += not good


class Example:
    """The page, as a person uses it."""

    def __init__(self, browser, origin):
        self.page = browser.open(f"{origin}/browser.html")

    def fill(self, **fields):
        for name, value in fields.items():
            self.page.run(f"document.getElementById({json.dumps(name)}).value = {json.dumps(value)}")

    def press(self, button):
        self.page.run(f"document.getElementById({json.dumps(button)}).click()")
        self.page.wait("['done', 'failed'].includes(document.getElementById('state').textContent)")
        return self.text("state")

    def text(self, name):
        return self.page.run(f"document.getElementById({json.dumps(name)}).textContent")

    def items(self, name):
        list_items = f"document.querySelectorAll('#{name} li')"
        return self.page.run(f"Array.from({list_items}, (item) => item.textContent)")


def listed_origin(checks, browser, origin, endpoint, alice, bucket):
    example = Example(browser, origin)
    arguments = json.dumps({"bucket": bucket, "prefix": "measurements/"})
    example.fill(endpoint=endpoint, token=alice["enhanced_token"], tool="bucket_objects_list")
    example.fill(arguments=arguments)
    print("a page of a listed origin, an enhanced token")
    checks.that(example.press("connect") == "done", "connects", example.items("log"))
    tools = example.items("tools")
    checks.that("bucket_objects_list" in tools and len(tools) > 10, "lists tools", tools)
    checks.that("session yes" in example.items("log")[0], "reads Mcp-Session-Id", example.items("log"))
    checks.that(example.press("call") == "done", "calls", example.items("log"))
    answer = example.text("answer")
    checks.that("measurements/summary.json" in answer, "shows what S3 answered", answer)

    query = f'SELECT count(*) AS n FROM "{bucket}".plates'
    example.fill(tool="athena_query_execute", arguments=json.dumps({"query": query}))
    checks.that(example.press("call") == "done", "reads an event stream", example.items("log"))
    told = [line for line in example.items("log") if line.startswith("progress: ")]
    checks.that(bool(told), "with progress", example.items("log"))
    checks.that('"query_execution_id"' in example.text("answer"), "and its answer", example.text("answer"))

    print("a token that ends in the middle of a session (a catalog token)")
    example = Example(browser, origin)
    old, new = expired(alice["catalog_token"]), alice["catalog_token"]
    example.fill(endpoint=endpoint, token=new, tool="bucket_objects_list", arguments=arguments)
    checks.that(example.press("connect") == "done", "connects", example.items("log"))
    example.fill(token=old, next=new)
    checks.that(example.press("call") == "done", "the call goes through", example.items("log"))
    log = example.items("log")
    checks.that(any("HTTP 401 token_expired" in line for line in log), "the page read the 401", log)
    named = any("(request " in line and "(request null" not in line for line in log)
    checks.that(named, "and its x-request-id", log)
    checks.that(any("token refreshed" in line for line in log), "it refreshed", log)
    initialized = sum("connected to" in line for line in log)
    checks.that(initialized == 1 and "unknown_session" not in str(log), "in the same session", log)
    checks.that("measurements/" in example.text("answer"), "and shows the answer", log)

    print("an expired token, and no other")
    example.fill(token=old)
    checks.that(example.press("call") == "failed", "the call fails", example.items("log"))
    last = example.items("log")[-1]
    checks.that("token_expired" in last and "sign in again" in last, "and says what to do", last)

    print("no token")
    example = Example(browser, origin)
    example.fill(endpoint=endpoint, token="")
    checks.that(example.press("connect") == "failed", "fails", example.items("log"))
    said = str(example.items("log"))
    checks.that("missing_authorization" in said, "the page reads why", said)


def foreign_origin(checks, browser, origin, endpoint, alice, log_file):
    print("the same page from an origin that is not on the list")
    example = Example(browser, origin)
    example.fill(endpoint=endpoint, token=alice["enhanced_token"])
    checks.that(example.press("connect") == "failed", "cannot connect", example.items("log"))
    log = example.items("log")
    checks.that(log == ["TypeError: Failed to fetch"], "learns nothing", log)
    checks.that(example.items("tools") == [], "lists nothing", example.items("tools"))
    lines = [json.loads(line) for line in open(log_file)]
    refused = [line for line in lines if line.get("refusal") == "origin_not_allowed"]
    checks.that(bool(refused), "the server's log says origin_not_allowed", lines[-3:])


def main(binary, program):
    stop_when_told()
    checks = Checks()
    with page_server() as listed, page_server() as foreign:
        with demo(binary, QUILT_MCP_ALLOWED_ORIGINS=listed) as (announced, log_file):
            alice = announced["users"][0]
            bucket, endpoint = sorted(alice["buckets"])[0], announced["mcp_url"]
            with chromium(program) as browser:
                listed_origin(checks, browser, listed, endpoint, alice, bucket)
                foreign_origin(checks, browser, foreign, endpoint, alice, log_file)
    print("check-browser: " + (f"{checks.failed} failed" if checks.failed else "all good"))
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
