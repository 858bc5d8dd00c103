"""What stands at the beginning: both places, the balancers, the proxies with their agents, the registry, the name servers.

- The old balancer is HAProxy, and sends everybody to japan. The new one is HAProxy as an ALB, in front of two nginx with
  deploy/nginx/shared.conf, each with an agent of its own behind a line that can be cut.
- The registry is one node on SQLite, or two on PostgreSQL, of which each has one of the agents.
- The applications are ours: application.py.
"""
import http.client
import json
import os
import pathlib
import subprocess
import sys
import time

from failover.ground import processes_in
from failover.line import Line
from addresses import (AGENT_ADDRESS, CLOUD, DATABASE, NEW_BALANCER, NODES, OLD_BALANCER, PLACES, PROXIES, PROXY_ADDRESS,
                       RESOLVER, ZONE)
from name_servers import CONF, NameServers

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = pathlib.Path(__file__).resolve().parent
# A lease in seconds: what twenty seconds are in production.
FENCE_AFTER = 3


class World:
    def __init__(self, ground, store, customers):
        self.ground, self.store = ground, store
        # Servers that give up root's right to write anywhere own their folders; PostgreSQL, as nobody, gets to its own.
        os.chown(ground.folder, os.geteuid(), os.getegid())
        ground.folder.chmod(0o755)
        self.names = [f"t{number:03d}.{ZONE}" for number in range(1, customers + 1)]
        self.binary = os.environ.get("TENANT_REGISTRY_BINARY") or subprocess.check_output(
            [ROOT / "scripts/binary"], text=True).strip()
        self.processes, self.lines = {}, {}
        self.dns = NameServers(ground)
        # By location: its address in DNS. And what tells `dns diff` of the last one that was replaced.
        self.entrances, self.former = {}, []

    def start(self, name, words, **environment):
        self.processes[name] = self.ground.start(name, name, words, environment, as_self=True)
        return self.processes[name]

    def build(self):
        self.dns.start_parent()
        for place, address in PLACES.items():
            self.start(place, [sys.executable, HERE / "application.py", place, address, self.log_of(place)])
        self.start_registry()
        self.start_proxies()
        self.start_balancers()

    def log_of(self, place):
        return self.ground.folder / f"{place}-writes"

    # The registry.

    def start_registry(self):
        database = self.start_database() if self.store == "postgres" else None
        self.nodes = NODES if database else NODES[:1]
        for number, address in enumerate(self.nodes, 1):
            words = [self.binary, "serve", "--listen", f"{address}:8080", "--data-dir", self.ground.machine(f"node{number}") / "data",
                     "--fence-after", FENCE_AFTER, "--log-level", "warning", "--access-log", "off", "--drain-seconds", 0]
            self.start(f"node{number}", words + (["--store", database] if database else []))
            self.ground.wait("a node of the registry", lambda: self.is_ready(address, 8080))
        self.token = (self.ground.folder / "node1/data/admin-token").read_text().strip()
        for place, address in PLACES.items():
            self.registry("locations", "set", place, "--upstream", f"http://{address}:9000", *(["--default"] if place == "japan" else []))
        self.set_entrance("japan", OLD_BALANCER)
        self.set_entrance("aws", CLOUD)
        listed = self.ground.folder / "customers.csv"
        listed.write_text("fqdn,location,tenant\n" + "".join(f"{name},japan,{name.split('.')[0]}\n" for name in self.names))
        self.registry("import", listed, "--reason", "those who are there")
        for name in self.names:
            self.ask(PLACES["japan"], 9001, "PUT", f"/customers/{name}")

    def set_entrance(self, place, address):
        """Where DNS is to send whoever lives in a place, at the next publication. What it led to before is to be replaced."""
        before = self.entrances.get(place)
        self.former = ["--former-target", before] if before else []
        self.entrances[place] = address
        self.registry("locations", "set", place, "--dns-a", address)

    def start_database(self):
        """scripts/postgres' PostgreSQL, which doesn't run as root."""
        if not self.ground.as_user:
            raise SystemExit("STORE=postgres needs root, for PostgreSQL runs as nobody")
        programs = subprocess.check_output([ROOT / "scripts/postgres"], text=True).strip()
        folder = self.ground.machine("database")
        self.ground.run(f"{programs}/initdb", "-D", folder / "data", "-U", "registry", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.processes["database"] = self.ground.start(
            "database", "database", [f"{programs}/postgres", "-D", folder / "data", "-c", f"listen_addresses={DATABASE}",
                                     "-c", f"unix_socket_directories={folder}", "-c", "max_connections=60"], {})
        self.ground.wait("PostgreSQL", lambda: subprocess.run(
            [f"{programs}/pg_isready", "-h", DATABASE, "-q"]).returncode == 0)
        self.ground.run(f"{programs}/createdb", "-h", DATABASE, "-U", "registry", "registry")
        return f"postgres://registry@{DATABASE}/registry"

    def registry_words(self, *words, codes=(0,)):
        """The command line of operators. - Returns: what it said, in stdout and stderr."""
        done = subprocess.run([self.binary, *map(str, words)], capture_output=True, text=True, env=self.operator, timeout=120)
        if done.returncode not in codes:
            raise SystemExit(f"tenant-registry {' '.join(map(str, words))}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def registry(self, *words, codes=(0,)):
        """- Returns: what it printed."""
        return self.registry_words(*words, codes=codes).stdout

    @property
    def operator(self):
        return {"PATH": "/usr/bin:/bin", "TENANT_REGISTRY_SERVER": f"http://{self.nodes[0]}:8080", "TENANT_REGISTRY_TOKEN": self.token}

    def call(self, method, path, body=None):
        """The API. - Returns: the answer's JSON."""
        status, text = self.ask(self.nodes[0], 8080, method, path, None if body is None else json.dumps(body),
                                {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"})
        if status >= 300:
            raise SystemExit(f"{method} {path}: {status} {text}")
        return json.loads(text)

    def ask(self, address, port, method, path, body=None, fields={}):
        connection = http.client.HTTPConnection(address, port, timeout=60)
        try:
            connection.request(method, path, body, fields)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def is_ready(self, address, port):
        try:
            return self.ask(address, port, "GET", "/readyz")[0] == 200
        except OSError:
            return False

    # Proxies and balancers.

    def start_proxies(self):
        library = os.environ.get("REHEARSAL_LIBRARY")
        if not library:
            library = self.ground.folder / "library"
            subprocess.run([ROOT / "scripts/library", library], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        for number, (proxy, agent) in enumerate(PROXIES.items()):
            self.lines[agent] = Line(8080, self.nodes[number % len(self.nodes)])
            self.start_agent(agent)
            self.start_nginx(proxy, library)
        self.ground.wait("both agents", lambda: (lambda found: found["agents"] == 2 and not found["lagging"])(
            self.call("GET", "/v1/convergence?wait=1")))

    def start_agent(self, name):
        folder = self.ground.machine(name)
        self.start(name, [
            self.binary, "agent", "--upstream", f"http://127.0.0.1:{self.lines[name].port}", "--name", name,
            "--listen", f"{AGENT_ADDRESS[name]}:8090", "--state-dir", folder / "state", "--share", folder / "routes",
            "--log-level", "warning", "--drain-seconds", 0, "--max-backoff", "200ms"], TENANT_REGISTRY_TOKEN=self.token)
        self.ground.wait(name, lambda: self.is_ready(AGENT_ADDRESS[name], 8090))

    def start_nginx(self, name, library):
        folder, address = self.ground.machine(name), f"{PROXY_ADDRESS[name]}:8000"
        site = (ROOT / "deploy/nginx/shared.conf").read_text()
        for old, new in (("/etc/nginx/tenant-registry", str(ROOT / "deploy/nginx")), ("127.0.0.1:8000", address),
                         ("/run/tenant-registry/routes", str(self.ground.machine(PROXIES[name]) / "routes")),
                         ("/usr/lib/libtenantroutes.so.1", f"{library}/lib/libtenantroutes.so.1"),
                         ("127.0.0.1:9001", f"{PLACES['japan']}:9000"), ("127.0.0.1:9002", f"{PLACES['aws']}:9000")):
            assert old in site, old
            site = site.replace(old, new)
        (folder / "site.conf").write_text(site)
        # What somebody changes by hand in one machine's nginx: nothing, but where that's rehearsed.
        (folder / "by-hand.conf").touch()
        temporary = "".join(f"{each}_temp_path {folder}/{each};\n" for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(
            "load_module /usr/lib/nginx/modules/ndk_http_module.so;\nload_module /usr/lib/nginx/modules/ngx_http_lua_module.so;\n"
            f"user root;\ndaemon off;\nworker_processes 1;\npid {folder}/pid;\nerror_log stderr warn;\n"
            "events { worker_connections 4096; }\n"
            f"http {{\naccess_log off;\n{temporary}include site.conf;\ninclude by-hand.conf;\n"
            # The balancer asks a target by its own address.
            f'server {{ listen {address}; server_name {PROXY_ADDRESS["nginx-a"]} {PROXY_ADDRESS[name]}; return 200 "well\\n"; }}\n}}\n')
        self.start(name, ["/usr/sbin/nginx", "-e", "stderr", "-p", folder, "-c", "nginx.conf"])

    def start_balancers(self):
        for name in ("old-balancer", "new-balancer"):
            self.start_balancer(name)
        for address in (OLD_BALANCER, NEW_BALANCER, CLOUD):
            self.ground.wait(f"the balancer at {address}", lambda: self.is_served(address))

    def start_balancer(self, name):
        self.start(name, ["/usr/sbin/haproxy", "-db", "-f", CONF / f"{name}.cfg"])

    def is_served(self, address):
        try:
            return self.ask(address, 80, "GET", "/", fields={"Host": self.names[0]})[0] == 200
        except OSError:
            return False

    def start_visitors(self, rate, signup_every):
        settings = self.ground.folder / "visitors.json"
        settings.write_text(json.dumps({
            "names": self.names, "rate": rate, "signup_every": signup_every, "zone": ZONE, "resolver": RESOLVER,
            "registry": [self.nodes[0], 8080], "token": self.token, "places": PLACES}))
        with open(self.seen, "wb") as seen, open(self.ground.folder / "visitors.log", "wb") as log:
            self.visitors = subprocess.Popen(
                [sys.executable, HERE / "visitors.py", settings], stdin=subprocess.PIPE, stdout=seen, stderr=log,
                cwd=self.ground.machine("visitors"))
        self.ground.started.append(self.visitors)

    @property
    def seen(self):
        return self.ground.folder / "seen"

    def end_visitors(self):
        """When nobody waits for an answer any more."""
        self.visitors.stdin.close()
        if self.visitors.wait(timeout=60) != 0:
            raise SystemExit(f"the visitors ended with {self.visitors.returncode}: {self.ground.last_words('visitors')}")

    def stop(self, name):
        """One server, by its process's id."""
        self.processes[name].terminate()
        self.processes[name].wait(timeout=30)

    # What agents have.

    def wait_until_shared(self, agent, revision):
        """- Returns: when an agent's file has a revision for its proxy to see."""
        def has_it():
            text = subprocess.check_output(
                [self.binary, "routes", self.ground.folder / agent / "routes", "--output", "json"], text=True)
            return json.loads(text)[0]["revision"] >= revision
        self.ground.wait(f"{agent} to have revision {revision}", has_it)
        return time.time()

    def cpu_share(self, began):
        """Of the machine, in percent, since a moment: all that lives here and all that was started from here."""
        ticks = 0
        for pid in processes_in(self.ground.folder):
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += sum(map(int, fields[11:15]))
        own = os.times()
        used = ticks / os.sysconf("SC_CLK_TCK") + own.user + own.system + own.children_user + own.children_system
        return 100 * used / ((time.time() - began) * os.cpu_count())
