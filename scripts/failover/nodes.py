"""Nodes of the registry on the cluster, started with deploy/postgres/registry.env, and calls to them."""
import http.client
import json
import os
import pathlib
import socket
import subprocess

from failover.cluster import deploy
from failover.ground import free_ports

root = pathlib.Path(__file__).resolve().parent.parent.parent
registry = os.environ.get("TENANT_REGISTRY_BINARY") or subprocess.check_output(
    [root / "scripts/binary"], text=True).strip()


class Node:
    def __init__(self, ground, cluster, name):
        self.ground, self.name = ground, name
        self.port = free_ports(1)[0]
        folder = ground.machine(name)
        self.environment = {}
        for line in (deploy / "registry.env").read_text().splitlines():
            if line.startswith("#"):
                continue
            key, value = line.split("=", 1)
            for delivered, here in {
                "127.0.0.1:8080": f"127.0.0.1:{self.port}",
                "/etc/tenant-registry/db-password": f"{ground.folder}/db-password",
                "/var/lib/tenant-registry": f"{folder}/data",
            }.items():
                value = value.replace(delivered, here)
            self.environment[key] = cluster.place(value, name)
        self.start()

    def start(self):
        # As whoever runs this: the binary may lie where only he can read it.
        self.process = self.ground.start(
            self.name, self.name, [registry, "serve", "--access-log", "off"], self.environment, as_self=True)
        self.ground.wait(f"node {self.name}", lambda: self.has_ended() or self.listens())
        if self.has_ended():
            raise SystemExit(f"node {self.name} doesn't start: {self.ground.last_words(self.name)}")

    def has_ended(self):
        return self.process.poll() is not None

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def token(self):
        return (self.ground.machine(self.name) / "data/admin-token").read_text().strip()

    def verify(self, token):
        """The command's words, and whether it found the log to be right."""
        done = subprocess.run(
            [registry, "verify", "--server", f"http://127.0.0.1:{self.port}"], capture_output=True, text=True,
            cwd=self.ground.machine(self.name), env={"PATH": "/usr/bin:/bin", "TENANT_REGISTRY_TOKEN": token})
        return done.returncode == 0, (done.stdout + done.stderr).strip()

    def caller(self, token):
        return Caller(self.port, token)


class Caller:
    """One connection, made anew when it's gone."""

    def __init__(self, port, token):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=90)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def __call__(self, method, path, body=None, **headers):
        """Status and body. Raises OSError where there's no answer."""
        try:
            self.connection.request(
                method, path, None if body is None else json.dumps(body), self.headers | headers)
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            raise OSError(f"no answer: {error!r}") from error
        return answer.status, json.loads(text or b"null")
