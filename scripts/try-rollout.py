#!/usr/bin/env python3
"""What scripts/try-rollout runs: try-rollout.py KUBECTL BINARY [--updates N] [--losses N] [--faster N] [--sabotage].

The path of data:

    deploy/kubernetes ── kubectl kustomize ──► manifests.Lifecycle ──► pods.Deployment, Kubelet, Service (HAProxy)
    load.Load: lookups, polls, a stream, registrations, waves, agents ── each request ──► Judge ──► the table

1. `updates` rolling updates, one after the other: no request may fail, and the command line never either.
2. `losses`: a process is killed, a machine goes silent for good, a process hangs. What fails then must have been under way on the
   pod that was lost; all else is answered, and what is sent again is taken once.
3. What was told is what is there: each registration at the revision that was told, each follower at the head without a gap, both
   agents, the log by `verify`, all names of the waves on one side.
"""
import argparse
import collections
import os
import pathlib
import random
import secrets
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "rollout.d")]
from failover.ground import Ground  # noqa: E402
from load import PATIENCE, Client, Load  # noqa: E402
from manifests import lifecycle  # noqa: E402
from pods import DATABASE, SERVICE, Deployment, Network  # noqa: E402

ROOT = HERE.parent
flags = argparse.ArgumentParser()
flags.add_argument("kubectl")
flags.add_argument("binary")
flags.add_argument("--updates", type=int, default=10)
flags.add_argument("--losses", type=int, default=5)
flags.add_argument("--faster", type=int, default=10, help="what the manifests' times are divided by (10)")
flags.add_argument("--sabotage", action="store_true", help="no drain: failures must be found")
flags = flags.parse_args()
LOSSES = ["machine", "hang", "kill", "machine", "kill"]
STAYS, MOVES = [f"s{number}.example.com" for number in range(300)], [f"m{number}.example.com" for number in range(100)]


class Database:
    """scripts/postgres' PostgreSQL, with TLS and a password as store.env wants them."""

    def __init__(self, ground):
        self.ground, self.password = ground, secrets.token_hex(12)
        programs = subprocess.check_output([ROOT / "scripts/postgres"], text=True).strip()
        folder = ground.machine("database")
        ground.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=database",
                   "-addext", f"subjectAltName=IP:{DATABASE}", "-keyout", folder / "server.key", "-out", folder / "server.pem")
        (folder / "server.key").chmod(0o600)
        (folder / "password").write_text(self.password)
        (folder / "password").chmod(0o644)
        ground.run(f"{programs}/initdb", "-D", folder / "data", "-U", "registry", "-A", "scram-sha-256", "-E", "UTF8", "--no-sync",
                   f"--pwfile={folder}/password")
        with open(folder / "data/pg_hba.conf", "a") as rules:
            rules.write("hostssl all all 10.99.0.0/24 scram-sha-256\n")
        ground.start("database", "database", [
            f"{programs}/postgres", "-D", folder / "data", "-c", f"listen_addresses={DATABASE}", "-c", f"unix_socket_directories={folder}",
            "-c", "ssl=on", "-c", f"ssl_cert_file={folder}/server.pem", "-c", f"ssl_key_file={folder}/server.key",
            # A rolling update has three nodes.
            "-c", "max_connections=100"], {})
        ground.wait("PostgreSQL", lambda: subprocess.run(
            [f"{programs}/pg_isready", "-h", DATABASE, "-q"]).returncode == 0)
        ground.run(f"{programs}/createdb", "-h", DATABASE, "-U", "registry", "registry", PGPASSWORD=self.password)

    def placed(self, text, pod):
        """What a value of a manifest is here."""
        here = self.ground.machine(pod)
        folder = self.ground.machine("database")
        for old, new in (("database.example.com", DATABASE), ("/etc/tenant-registry/store-ca/ca.pem", f"{folder}/server.pem"),
                         ("/etc/tenant-registry/store/password", f"{folder}/password"), ("/var/lib/tenant-registry", str(here))):
            text = text.replace(old, new)
        for left in ("/etc/", "/var/", "example.com"):
            assert left not in text, f"{left} in {text} of a manifest has no place here"
        return text


class Judge:
    def __init__(self, ground, load, deployment):
        self.ground, self.load, self.deployment = ground, load, deployment
        self.rows, self.problems = [], []

    def over(self, what, begun, ended, lost=None):
        """Judges what ended in that time. `lost`: the pod whose requests under way may have failed."""
        requests = self.load.since(begun, ended)
        failed = [each for each in requests if each.fault]
        excused = [each for each in failed if lost and self.was_at(each, lost)]
        unexcused = [each for each in failed if each not in excused]
        runs = [each for each in self.load.runs if begun <= each[1] < ended and each[3] != 0]
        kinds = collections.Counter(each.kind for each in failed)
        longest = max((each.ended - each.begun for each in requests if each.kind in ("lookup", "registration") and not each.fault),
                      default=0)
        self.rows.append((what, ended - begun, len(requests), len(failed), len(excused), len(runs), longest))
        for each in unexcused[:20]:
            at = self.deployment.service.pod_of(each.port, each.opened)
            self.problems.append(f"{what}: {each.kind} at {at}, {ended - each.begun:.1f} s before its end: {each.fault}")
        if len(unexcused) > 20:
            self.problems.append(f"{what}: and {len(unexcused) - 20} more")
        told = [f"{what}: after {run[1] - run[0]:.1f} s, tenant-registry {' '.join(run[2])}: {run[3]} {run[4]}" for run in runs]
        if lost:
            for each in told:
                self.ground.say(each)
        else:
            self.problems += told
        self.ground.say(f"{what}: {len(requests)} requests, {len(failed)} failed{f' {dict(kinds)}' if kinds else ''}"
                        + (f", {len(excused)} of them on the pod that was lost" if lost else ""))

    def was_at(self, request, lost):
        return self.deployment.service.pod_of(request.port, request.opened) == lost.name

    def table(self):
        print(f"\n{'':14}{'seconds':>9}{'requests':>10}{'failed':>8}{'on the lost':>13}{'commands':>10}{'longest answer':>16}")
        for what, seconds, requests, failed, excused, runs, longest in self.rows:
            print(f"{what:14}{seconds:9.1f}{requests:10}{failed:8}{excused:13}{runs:10}{longest:14.2f} s")


def main(ground):
    os.chown(ground.folder, os.geteuid(), os.getegid())
    ground.folder.chmod(0o755)
    # Names of network namespaces are files: here they're nobody else's.
    pathlib.Path("/run/netns").mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run/netns"], check=True)
    life = lifecycle(flags.kubectl, ROOT / "deploy/kubernetes", flags.faster, drain=0 if flags.sabotage else None)
    network = Network()
    database = Database(ground)

    def environment(pod):
        return {name: database.placed(value, pod) for name, value in life.environment.items()}

    admin, agent = (subprocess.check_output([flags.binary, "tokens", "generate"], text=True).strip() for _ in range(2))
    tokens = ground.machine("tokens")
    (tokens / "ops.admin").write_text(admin)
    (tokens / "agents.reader").write_text(agent)
    # The Job, which may run twice.
    for _ in range(2):
        subprocess.run([flags.binary, "tokens", "bootstrap", f"--from={tokens}", "--reason=the first tokens"], check=True,
                       stdout=subprocess.DEVNULL, env={"PATH": "/usr/bin:/bin"} | environment("bootstrap"))
    deployment = Deployment(ground, network, life, flags.faster, flags.binary, environment)
    deployment.start()
    service = (SERVICE, life.ports["api"])
    load = Load(ground, flags.binary, service, admin)
    ground.wait("the Service", lambda: load.command("whoami").returncode == 0)
    for place in ("japan", "aws"):
        load.command("locations", "set", place, "--upstream", f"http://{place}.example", *(["--default"] if place == "japan" else []))
    listed = ground.folder / "customers.csv"
    listed.write_text("fqdn,location,tenant\n" + "".join(f"{name},japan,{name.split('.')[0]}\n" for name in STAYS + MOVES))
    if load.command("import", str(listed)).returncode:
        sys.exit(load.runs[-1][4])
    agents = [start_agent(ground, name, service, agent) for name in ("agent-1", "agent-2")]
    load.runs.clear()
    load.start(STAYS, MOVES)
    judge = Judge(ground, load, deployment)
    ground.wait("a wave there and back", lambda: load.moves >= 2 * len(MOVES) or load.faults, 300)

    for number in range(1, flags.updates + 1):
        begun, moves = time.monotonic(), load.moves
        for pod in deployment.update():
            if pod.ended != [0]:
                judge.problems.append(f"update {number}: {pod.name} ended with {pod.ended}")
        ground.wait("a wave", lambda: load.moves > moves or load.faults, 300)
        judge.over(f"update {number}", begun, time.monotonic())
        if flags.sabotage and judge.problems:
            break
    for number in range(flags.losses):
        judge_loss(ground, deployment, load, judge, LOSSES[number % len(LOSSES)], number + 1)

    load.stop()
    judge.problems += load.faults
    judge.problems += compare(ground, load, agents, admin)
    deployment.stop()
    judge.table()
    print(f"\n{len(load.registered)} registrations, {load.moves} moves in waves, {len(load.runs)} commands")
    for each in judge.problems:
        print(each)
    return judge.problems


def start_agent(ground, name, service, token):
    process = ground.start(name, name, [
        flags.binary, "agent", "--upstream", "http://{}:{}".format(*service), "--name", name, "--listen", "127.0.0.1:0",
        "--state-dir", ground.machine(name) / "state", "--log-level", "warning"], {"TENANT_REGISTRY_TOKEN": token}, as_self=True)
    return process


def judge_loss(ground, deployment, load, judge, kind, number):
    begun, moves = time.monotonic(), load.moves
    pod = random.choice(deployment.wanted)
    ground.say(f"{pod.name} is lost: {kind}")
    if kind == "machine":
        deployment.replace_lost(pod)
    else:
        pod.kill() if kind == "kill" else pod.stop()
        ground.wait("the pod to be noticed", lambda: not pod.is_ready, 300)
        deployment.settle(deployment.wanted)
    ground.wait("waves that go on", lambda: load.moves > moves or load.faults, 300)
    # Whoever still waits for an answer of the lost pod gives up; a stream of another pod's goes on.
    moment = time.monotonic()
    ground.wait("those who still wait", lambda: not any(
        each.kind != "stream" or deployment.service.pod_of(each.port, each.opened) == pod.name
        for each in load.waiting(moment)), 2 * PATIENCE)
    judge.over(f"{number}: {kind}", begun, time.monotonic(), lost=pod)


def compare(ground, load, agents, token):
    """What was told against what is there."""
    found = []
    client = Client(load, "comparison", token)
    for name, revision in load.registered.items():
        status, body = client.ask(f"/v1/domains/{name}")
        if status != 200 or body["revision"] != revision:
            found.append(f"{name} was told at revision {revision}, and is now {status} {body}")
    head = client.ask("/v1/changes?after=0&limit=1")[1]["head"]
    behind = {who: to for who, to in load.followed.items() if to < head - 1000}
    found += [f"{who} has come to {to} of {head}" for who, to in behind.items()]
    convergence = ground.wait("both agents", lambda: (lambda answer: answer and answer["converged"] == 2 and answer)(
        client.ask("/v1/convergence?wait=5")[1]))
    found += [] if convergence["agents"] == 2 else [f"there are {convergence['agents']} agents"]
    found += [f"an agent ended with {each.poll()}" for each in agents if each.poll() is not None]
    places = {client.ask(f"/v1/domains/{name}")[1]["location"] for name in MOVES}
    found += [] if len(places) == 1 else [f"the waves' names are at {places}"]
    verified = load.command("verify")
    found += [] if verified.returncode == 0 else [f"verify: {verified.stdout}{verified.stderr}"]
    return found


if __name__ == "__main__":
    with Ground("registry-rollout-") as ground:
        problems = main(ground)
        if flags.sabotage:
            print("\nthe failures of nodes without a drain were found" if problems else "\nnothing was found")
            sys.exit(0 if problems else 1)
        print("\nno request failed that a lost pod didn't have" if not problems else f"\n{len(problems)} problems")
        sys.exit(1 if problems else 0)
