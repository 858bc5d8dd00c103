"""The ground that machines stand on: a temporary folder, processes in it, and their end.

A "machine" is a folder below it. Every process works in its machine's folder (PostgreSQL's all do by
themselves), so that the processes of a machine are those whose working directory is there: also a server
that Patroni has started, which is nobody's child.
"""
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time


class Ground:
    def __init__(self, prefix="registry-failover-"):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=prefix)).resolve()
        self.began = time.monotonic()
        self.started = []
        # PostgreSQL refuses to run as root. In a namespace of a user's own there's nobody else to run as.
        self.as_user = []
        if os.geteuid() == 0 and pathlib.Path("/proc/self/uid_map").read_text().split()[2] != "1":
            self.as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        self.give(self.folder)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _: sys.exit(128 + number))

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        self.kill_everything_in(self.folder)
        if kind is None or (kind is SystemExit and not error.code):
            shutil.rmtree(self.folder)
        else:
            print(f"logs are in {self.folder}", file=sys.stderr)

    def say(self, text):
        print(f"{time.monotonic() - self.began:6.1f} s  {text}", flush=True)

    def give(self, path):
        """To the user that the servers run as."""
        if self.as_user:
            shutil.chown(path, "nobody", "nogroup")

    def machine(self, name):
        path = self.folder / name
        if not path.exists():
            path.mkdir()
            self.give(path)
        return path

    def start(self, machine, name, words, environment, *, as_self=False):
        folder = self.machine(machine)
        with open(self.folder / f"{name}.log", "ab") as log:
            process = subprocess.Popen(
                [*([] if as_self else self.as_user), *map(str, words)], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, cwd=folder, start_new_session=True,
                env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8", **environment})
        self.started.append(process)
        return process

    def run(self, *words, text="", may_fail=False, **environment):
        """To its end, as the servers' user, with `text` to read."""
        done = subprocess.run(
            [*self.as_user, *map(str, words)], input=text, capture_output=True, text=True,
            cwd=self.folder, timeout=300,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "LANG": "C.UTF-8", **environment})
        if done.returncode != 0 and not may_fail:
            sys.exit(f"{words[0]} failed ({done.returncode}): {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def wait(self, what, probe, limit=180):
        """Polls, and gives up loudly. Limits are for machines that are much slower than usual."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            value = probe()
            if value:
                return value
            time.sleep(0.05)
        sys.exit(f"waited in vain for {what}")

    def kill_everything_in(self, folder):
        """As a machine that loses its power: no process has a last word."""
        while pids := processes_in(folder):
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            for process in self.started:
                process.poll()
            time.sleep(0.01)

    def signal_everything_in(self, folder, number):
        for pid in processes_in(folder):
            os.kill(pid, number)

    def last_words(self, name, count=3):
        lines = (self.folder / f"{name}.log").read_text(errors="replace").splitlines()
        return " / ".join(lines[-count:])


def processes_in(folder):
    """Living ones that work in the folder or below it."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            place = pathlib.Path(os.readlink(entry / "cwd").removesuffix(" (deleted)"))
        except OSError:
            # It has ended, or is somebody else's.
            continue
        if place.is_relative_to(folder) and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return found


def free_ports(count):
    """Below those that outgoing connections take: one that a lost machine had is free when it comes back."""
    ports = []
    for port in random.sample(range(20_000, 32_000), 2_000):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        ports.append(port)
        if len(ports) == count:
            return ports
    sys.exit("no free ports")
