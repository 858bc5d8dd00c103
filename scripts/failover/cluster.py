"""PostgreSQL under Patroni and etcd, from the files of deploy/postgres.

The files are used as they are delivered, with names, addresses, paths and secrets replaced: three machines
db1, db2 and witness, each with an etcd, the first two with a database.
"""
import base64
import glob
import json
import pathlib
import secrets
import subprocess
import sys
import urllib.error
import urllib.request

import yaml

from failover.ground import free_ports

deploy = pathlib.Path(__file__).resolve().parent.parent.parent / "deploy/postgres"
binaries = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: float(path.split("/")[4]))[-1]
machines = {"etcd1": "db1", "etcd2": "db2", "etcd3": "witness"}
database_ports = {"db1": 5432, "db2": 5432}


class Cluster:
    def __init__(self, ground, **overrides):
        """overrides: settings of `bootstrap.dcs` that aren't the delivered file's."""
        self.ground = ground
        self.secrets = {}
        self.patronis = {}
        names = ["db1:5432", "db1:8008", "db2:5432", "db2:8008"]
        names += [f"{etcd}:{port}" for etcd in machines for port in (2379, 2380)]
        self.address = {name: f"127.0.0.1:{port}" for name, port in zip(names, free_ports(len(names)))}
        self.certificate()
        self.configurations = {name: self.configuration(name, overrides) for name in database_ports}

    # The delivered files, with this machine's names.

    def place(self, text, machine):
        """What a value of a delivered file is on this ground."""
        here = self.ground.machine(machine)
        for name, address in {
            **{f"0.0.0.0:{port}": self.address[f"{machine}:{port}"] for port in (5432, 8008) if machine in database_ports},
            **self.address,
            "/etc/postgresql/ca.pem": f"{self.ground.folder}/server.pem",
            "/etc/tenant-registry/ca.pem": f"{self.ground.folder}/server.pem",
            "/etc/postgresql/server.pem": f"{self.ground.folder}/server.pem",
            "/etc/postgresql/server.key": f"{self.ground.folder}/server.key",
            "/usr/lib/postgresql/15/bin": binaries,
            "/var/lib/postgresql/15/tenant-registry": f"{here}/data",
            "/var/lib/postgresql/": f"{here}/",
            "/var/run/postgresql": str(here),
            "/var/lib/etcd/": f"{here}/etcd-",
            "10.0.0.0/8": "127.0.0.0/8",
        }.items():
            text = text.replace(name, address)
        if text.startswith("secret: "):
            text = self.secret(text)
        for left in ("/etc/", "/var/", "0.0.0.0", "db1:", "db2:", "etcd1:"):
            assert left not in text, f"{left} in {text} of a delivered file has no place here"
        return text

    def secret(self, name):
        return self.secrets.setdefault(name, secrets.token_hex(12))

    def placed(self, value, machine):
        if isinstance(value, dict):
            return {key: self.placed(each, machine) for key, each in value.items()}
        if isinstance(value, list):
            return [self.placed(each, machine) for each in value]
        return self.place(value, machine) if isinstance(value, str) else value

    def configuration(self, member, overrides):
        text = (deploy / "patroni.yml").read_text()
        for port in (5432, 8008):
            text = text.replace(f"connect_address: db1:{port}", f"connect_address: {member}:{port}")
        settings = self.placed(yaml.safe_load(text), member)
        settings["name"] = member
        for name, value in overrides.items():
            assert name in settings["bootstrap"]["dcs"], f"the delivered file doesn't set {name}"
            settings["bootstrap"]["dcs"][name] = value
        self.scope = settings["scope"]
        path = self.ground.machine(member) / "patroni.yml"
        path.write_text(yaml.safe_dump(settings))
        self.ground.give(path)
        path.chmod(0o600)
        return settings

    def certificate(self):
        """One for both servers, which is its own authority."""
        run = self.ground.run
        folder = self.ground.folder
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=registry-failover",
            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "server.key", "-out", folder / "server.pem")
        (folder / "server.key").chmod(0o600)

    # Servers.

    def start_etcd(self, name):
        settings = dict(
            line.split("=", 1) for line in (deploy / "etcd.env").read_text().splitlines() if not line.startswith("#"))
        for key, value in settings.items():
            if key != "ETCD_INITIAL_CLUSTER":
                value = value.replace("etcd1", name)
            for port in (2379, 2380):
                value = value.replace(f"0.0.0.0:{port}", self.address[f"{name}:{port}"])
            settings[key] = self.place(value, machines[name])
        # For a slow machine that does much else.
        settings |= {"ETCD_HEARTBEAT_INTERVAL": "200", "ETCD_ELECTION_TIMEOUT": "2000", "ETCD_LOG_LEVEL": "warn"}
        self.ground.start(machines[name], name, ["etcd"], settings)

    def start_patroni(self, member):
        self.patronis[member] = self.ground.start(
            member, member, ["/usr/bin/patroni", self.ground.machine(member) / "patroni.yml"], {})

    def kill_patroni(self, member):
        """And leaves its PostgreSQL."""
        self.patronis[member].kill()
        self.patronis[member].wait()

    def start_machine(self, machine):
        self.start_etcd(next(etcd for etcd, place in machines.items() if place == machine))
        if machine in database_ports:
            self.start_patroni(machine)

    def has_etcd(self):
        return get(f"http://{self.address['etcd3:2379']}/health").get("health") == "true"

    # What Patroni says.

    def members(self):
        """By name, from any Patroni that answers; empty where none does."""
        for member in database_ports:
            answer = get(f"http://{self.address[f'{member}:8008']}/cluster")
            if answer.get("members"):
                return {each["name"]: each for each in answer["members"]}
        return {}

    def primary(self):
        """The one that Patroni says leads, and that says so itself."""
        for member in database_ports:
            if get(f"http://{self.address[f'{member}:8008']}/primary").get("role") in ("master", "primary"):
                return member
        return None

    def has_role(self, member, *roles):
        return self.members().get(member, {}).get("role") in roles

    def recorded_position(self):
        """Where the primary's WAL was when it last told etcd, in bytes; 0 where nothing is there."""
        key = base64.b64encode(f"/service/{self.scope}/status".encode()).decode()
        answer = get(f"http://{self.address['etcd3:2379']}/v3/kv/range", json.dumps({"key": key}).encode())
        values = [json.loads(base64.b64decode(each["value"])) for each in answer.get("kvs", [])]
        return int(values[0]["optime"]) if values else 0

    def received_position(self, standby):
        """Up to where a standby has the WAL on its disk."""
        return int(self.sql(standby, "SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')") or sys.maxsize)

    def switch_over(self, leader, candidate):
        """Asks for it, and waits as long as patronictl does. Patroni refuses where the standby isn't ready."""
        self.ground.run(
            "/usr/bin/patronictl", "-c", self.ground.machine(leader) / "patroni.yml", "switchover",
            "--leader", leader, "--candidate", candidate, "--force", self.scope, may_fail=True)

    # SQL, as the superuser, through the socket of one machine.

    def sql(self, member, text, database="postgres"):
        """None where the server doesn't answer."""
        done = subprocess.run(
            [*self.ground.as_user, f"{binaries}/psql", "-h", self.ground.machine(member),
             "-p", self.address[f"{member}:5432"].split(":")[1], "-U", "postgres", "-wXAtqc", text, database],
            capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=self.ground.folder,
            env={"PATH": "/usr/bin:/bin", "PGPASSWORD": self.secret("secret: superuser")})
        return done.stdout.strip() if done.returncode == 0 else None

    def make_database(self, member):
        password = self.secret("secret: registry")
        self.ground.run(
            f"{binaries}/psql", "-h", self.ground.machine(member), "-p", self.address[f"{member}:5432"].split(":")[1],
            "-U", "postgres", "-wXq", "-v", "ON_ERROR_STOP=1", "-v", f"password={password}",
            text=(deploy / "database.sql").read_text(), PGPASSWORD=self.secret("secret: superuser"))
        path = self.ground.folder / "db-password"
        path.write_text(password)
        path.chmod(0o600)


def get(url, body=None):
    """JSON, also of an answer that isn't 200; empty where there is none."""
    try:
        with urllib.request.urlopen(url, body, timeout=2) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        body = error.read()
        try:
            return json.loads(body) | {"role": None}
        except ValueError:
            return {}
    except (OSError, ValueError):
        return {}
