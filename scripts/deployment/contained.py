"""A root file system, and its program in it as its user: what a container would be, without one."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "moto"))
from processes import Process, free_port

SECRET = "a secret of the check, of 32 bytes or more"
SHELLS = {"sh", "bash", "dash", "busybox", "ash"}


class Contained:
    def __init__(self, root, user, environment, entrypoint, command, health):
        self.root, self.user, self.environment = root, user, environment
        self.entrypoint, self.command, self.health = entrypoint, command, health
        self.failed = 0

    def say(self, name, problem):
        print(f"FAILED {name}: {problem}" if problem else f"ok     {name}", flush=True)
        self.failed += bool(problem)

    def enter(self):
        """What a command is put behind to run in the root as the user; None: neither root nor namespaces."""
        uid, gid = self.user.split(":")
        if os.geteuid() == 0:
            return ["chroot", f"--userspec={self.user}", str(self.root)]
        names = ["unshare", f"--map-user={uid}", f"--map-group={gid}", f"--root={self.root}"]
        tried = subprocess.run([*names, *self.entrypoint, "--version"], capture_output=True, check=False)
        return names if tried.returncode == 0 else None

    def files(self):
        return [path for path in self.root.rglob("*") if path.is_file()]

    def check(self, work, was_built):
        """Prints a line per check; 0 or 1."""
        size = sum(path.stat().st_size for path in self.files()) / 1e6
        print(f"the root has {len(self.files())} files, {size:.1f} MB")
        for name, problem in self.still().items():
            self.say(name, problem)
        if was_built:
            self.say("a list of crates in the binary", self.crates())
        enter = self.enter()
        if enter is None:
            print("skipped: running it in its root; that takes root or user namespaces")
        else:
            self.serve(enter, work)
        self.negative()
        return 1 if self.failed else 0

    def still(self):
        """What can be seen of the files alone: name of a check => problem."""
        shells = [path.name for path in self.files() if path.name in SHELLS]
        loose = [str(p) for p in self.root.rglob("*") if not p.is_symlink() and p.stat().st_mode & 0o6022]
        roots = self.root / "etc/ssl/certs/ca-certificates.crt"
        known = roots.read_text().count("BEGIN CERT") if roots.is_file() else 0
        records = {path.name for path in (self.root / "var/lib/dpkg/status.d").glob("*")}
        return {
            "no shell": shells,
            "nothing that the user may write, nothing setuid": loose,
            "certificate roots": known < 50 and f"{known} roots",
            "Debian's records for scanners": {"libc6", "libgcc-s1", "ca-certificates"} - records,
        }

    def negative(self):
        """The same checks on a root that is broken on purpose: each has to notice. Last: it stays broken."""
        shutil.copy("/bin/sh", self.root / "usr/local/bin/sh")
        (self.root / "etc/passwd").chmod(0o666)
        (self.root / "etc/ssl/certs/ca-certificates.crt").unlink()
        (self.root / "var/lib/dpkg/status.d/libc6").unlink()
        blind = [name for name, problem in self.still().items() if not problem]
        self.say("negative test: a broken root is noticed in every respect", blind)

    def crates(self):
        """cargo-auditable's section; what is wrong with it."""
        binary = str(self.root) + self.entrypoint[0]
        if shutil.which("readelf") is None:
            return "there is no readelf to look"
        said = subprocess.run(["readelf", "-SW", binary], capture_output=True, text=True, check=True).stdout
        return "" if ".dep-v0" in said else "no section .dep-v0"

    def serve(self, enter, work):
        """Entry point and health check as the image has them, on a free port; SIGTERM ends it."""
        port = free_port()
        variables = {**self.environment, "MCP_ENHANCED_JWT_SECRET": SECRET, "AWS_REGION": "us-east-1"}
        variables |= {"QUILT_MCP_DRAIN_DELAY_SECONDS": "0", "PATH": os.environ["PATH"]}
        variables["QUILT_MCP_ADDR"] = self.environment["QUILT_MCP_ADDR"].replace("8000", str(port))
        command = [*enter, *self.entrypoint, *self.command]
        ask = [*enter, *self.health]
        quiet = {"env": variables, "capture_output": True, "check": False}
        self.say("unhealthy before it runs", subprocess.run(ask, **quiet).returncode != 1 and "it is not")
        with Process(command, variables, work / "serve.log") as server:
            server.wait_until(lambda: "serving MCP" in server.text(), "the server")
            asked = subprocess.run(ask, **quiet)
            self.say("healthy, by its own check, as its user", asked.returncode and asked.stderr)
            # chroot becomes the server; unshare without --fork as well.
            status = Path(f"/proc/{server.child.pid}/status").read_text()
            uid = status.partition("Uid:")[2].split()[0]
            self.say("the process is not root", "uid 0" if uid == "0" else "")
            os.kill(server.child.pid, signal.SIGTERM)
            self.say("SIGTERM ends it with 0", server.exit_code(20))
