"""A headless Chromium, driven over its own pipe (DevTools protocol); needs no package."""

import contextlib
import json
import os
import select
import subprocess
import tempfile
import time


class Browser:
    """One Chromium process. Messages are JSON, each ended by a NUL."""

    def __init__(self, process, write_fd, read_fd):
        self.process, self.write_fd, self.read_fd = process, write_fd, read_fd
        self.last_id, self.unread = 0, b""

    def send(self, method, params=None, session=None, seconds=30):
        """Sends a command and waits for its answer; events are passed over."""
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        os.write(self.write_fd, json.dumps(message).encode() + b"\0")
        ends = time.monotonic() + seconds
        while True:
            answer = self._next(ends, method)
            if answer.get("id") != self.last_id:
                continue
            if "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']}")
            return answer["result"]

    def _next(self, ends, method):
        while b"\0" not in self.unread:
            ready, _, _ = select.select([self.read_fd], [], [], max(0, ends - time.monotonic()))
            piece = os.read(self.read_fd, 65536) if ready else b""
            if not piece:
                raise RuntimeError(f"{method}: Chromium does not answer, or has ended")
            self.unread += piece
        text, self.unread = self.unread.split(b"\0", 1)
        return json.loads(text)

    def open(self, url):
        """A page, loaded."""
        target = self.send("Target.createTarget", {"url": url})["targetId"]
        attach = {"targetId": target, "flatten": True}
        page = Page(self, self.send("Target.attachToTarget", attach)["sessionId"])
        page.wait(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")
        return page


class Page:
    """A tab."""

    def __init__(self, browser, session):
        self.browser, self.session = browser, session

    def run(self, expression):
        """The value of an expression of JavaScript."""
        params = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        answer = self.browser.send("Runtime.evaluate", params, self.session)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, expression, seconds=30):
        """Waits until the expression is true."""
        ends = time.monotonic() + seconds
        while not self.run(expression):
            if time.monotonic() > ends:
                raise RuntimeError(f"not within {seconds} s: {expression}")
            time.sleep(0.05)


@contextlib.contextmanager
def chromium(program):
    """Starts and ends a browser with a profile of its own."""
    to_read, write_fd = os.pipe()
    read_fd, to_write = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
        options += ["--no-proxy-server", "--remote-debugging-pipe", f"--user-data-dir={profile}"]
        # Chromium refuses its sandbox to root; the pages are our own.
        options += ["--no-sandbox"] if os.geteuid() == 0 else []
        # The pipe is descriptors 3 and 4, by Chromium's convention.
        launch = f'exec "$@" 3<&{to_read} 4>&{to_write}'
        process = subprocess.Popen(
            ["bash", "-c", launch, "chromium", program, *options, "about:blank"],
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        browser = Browser(process, write_fd, read_fd)
        try:
            yield browser
        finally:
            with contextlib.suppress(RuntimeError, OSError):
                browser.send("Browser.close", seconds=5)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(write_fd)
            os.close(read_fd)
