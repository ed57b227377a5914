"""Clients that call all the time, and requests that take a while."""

import http.client
import threading
import time

import client
from replicas import HOST

CLIENTS = 6


class Load:
    """Clients with a connection and a session each; every call that is not answered well is kept."""

    def __init__(self, address, bearer):
        self.address, self.bearer = address, bearer
        self.failures, self.replicas = [], []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(CLIENTS)]

    @property
    def count(self):
        return len(self.replicas)

    @property
    def last(self):
        """Which replicas served the last calls."""
        return set(self.replicas[-20:])

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join(30)

    def wait_for(self, more, seconds=20):
        """Until so many more calls were made."""
        until, deadline = self.count + more, time.monotonic() + seconds
        while self.count < until:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.count} calls in {seconds} s; {self.failures[-3:]}")
            time.sleep(0.02)

    def work(self):
        connection, session = None, None
        while not self.stop.is_set():
            connection = connection or http.client.HTTPConnection(self.address, timeout=20)
            try:
                more = {"Mcp_Session_Id": session} if session else {}
                body = client.CALL if session else client.INITIALIZE
                connection.request("POST", "/mcp", body, client.headers(self.bearer, HOST, **more))
                answer = client.Answer(connection.getresponse())
                if session and not answer.is_ok() or answer.status != 200:
                    self.failures.append((answer.status, answer.text[:200]))
                session = session or answer.headers["Mcp-Session-Id"]
                self.replicas.append(answer.headers["X-Replica"])
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                self.replicas.append(None)
                connection = connection.close()
            time.sleep(0.01)
        if connection:
            connection.close()


class Half:
    """A call whose body has come in half: it is in work until the rest comes."""

    def __init__(self, address, bearer):
        self.rest = client.CALL[20:]
        self.connection = http.client.HTTPConnection(address, timeout=20)
        self.connection.putrequest("POST", "/mcp", skip_host=True)
        for name, value in client.headers(bearer, HOST).items():
            self.connection.putheader(name, value)
        self.connection.putheader("Content-Length", str(len(client.CALL)))
        self.connection.endheaders(client.CALL[:20])

    def finish(self):
        """Sends the rest; the status, or what went wrong."""
        try:
            self.connection.send(self.rest)
            answer = client.Answer(self.connection.getresponse())
            return answer.status
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__
        finally:
            self.connection.close()
