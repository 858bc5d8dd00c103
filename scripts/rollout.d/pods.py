"""What a cluster does with the nodes of the registry, done by hand: machines, kubelets, a Deployment and a Service.

- A pod is a network namespace with an address, and the process in it: it listens at `*:8080` as its manifest says.
- `Kubelet` starts, probes and ends one pod; `Deployment` makes and deletes pods within maxSurge and maxUnavailable; `Service` is
  HAProxy, layer 4, whose servers are the pods that are ready. It learns of that a little later than it's so, as kube-proxy does.
- A pod that is deleted leaves its Service while it gets SIGTERM, not before: nobody waits for anybody.
"""
import http.client
import os
import random
import signal
import socket
import subprocess
import threading
import time

BRIDGE, SERVICE, DATABASE = "10.99.0.1", "10.99.0.1", "10.99.0.2"
# Servers that the Service has room for: as many pods as there ever are at once.
SLOTS = 8
# Until all of a cluster has heard of an endpoint that came or went, in seconds: kube-proxy syncs once a second by default.
SYNC = 1


def ip(*words):
    subprocess.run(["ip", *map(str, words)], check=True, capture_output=True)


class Network:
    """A bridge, which is all the machines' network. In a namespace of its own, which its process's end removes."""

    def __init__(self):
        ip("link", "set", "lo", "up")
        # Its own address: else it has the lowest of its ports', which changes with them, and whoever comes back to an address
        # that is gone finds silence for seconds.
        ip("link", "add", "pods", "address", "02:00:00:00:00:01", "type", "bridge")
        for address in {BRIDGE, SERVICE, DATABASE}:
            ip("address", "add", f"{address}/24", "dev", "pods")
        ip("link", "set", "pods", "up")

    def add(self, name, address):
        ip("netns", "add", name)
        ip("link", "add", f"v-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("link", "set", f"v-{name}", "master", "pods", "up")
        ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
        ip("-n", name, "link", "set", "lo", "up")
        ip("-n", name, "link", "set", "eth0", "up")

    def cut(self, name):
        """Nothing comes out of it any more, not even a word that it has ended."""
        ip("link", "set", f"v-{name}", "down")

    def remove(self, name):
        ip("netns", "delete", name)


class Kubelet:
    """One pod, from its beginning to its end."""

    def __init__(self, number, cluster):
        self.name, self.address, self.cluster, self.life = f"pod{number}", f"10.99.0.{10 + number}", cluster, cluster.life
        self.is_ready, self.is_deleted, self.is_lost, self.is_gone = False, False, False, False
        self.ready_since, self.ended = None, []
        cluster.network.add(self.name, self.address)
        self.thread = threading.Thread(target=self.live, daemon=True)
        self.thread.start()

    def say(self, text):
        self.cluster.ground.say(f"{self.name}: {text}")

    @property
    def is_available(self):
        return self.is_ready and time.monotonic() - self.ready_since >= self.life.min_ready

    def live(self):
        restarts = 0
        while not (self.is_deleted or self.is_lost):
            self.start()
            if self.has_started():
                self.probe()
            self.set_ready(False)
            if self.is_deleted or self.is_lost:
                break
            if self.process.poll() is None:
                self.end("its probes failed")
            restarts += 1
            self.pause(min(self.life.restart * 2 ** (restarts - 1), 30 * self.life.restart))

    def start(self):
        words = [self.cluster.binary, *self.life.args]
        self.process = self.cluster.ground.start(
            self.name, self.name, ["ip", "netns", "exec", self.name, *words], self.cluster.environment(self.name), as_self=True)

    def has_started(self):
        for _ in range(self.life.startup.failures):
            self.pause(self.life.startup.period)
            if self.is_over:
                return False
            if self.ask(self.life.startup):
                return True
        return False

    def probe(self):
        """Until it's dead, deleted or lost. Of a deleted one the readiness goes on being asked, by nobody who'd mind."""
        unready = dead = 0
        next_ready = next_live = time.monotonic() + random.random() * self.life.readiness.period
        while not self.is_over:
            now = time.monotonic()
            if now >= next_ready:
                next_ready = now + self.life.readiness.period
                unready = 0 if self.ask(self.life.readiness) else unready + 1
                if unready == 0:
                    self.set_ready(True)
                elif unready >= self.life.readiness.failures:
                    self.set_ready(False)
            if now >= next_live:
                next_live = now + self.life.liveness.period
                dead = 0 if self.ask(self.life.liveness) else dead + 1
                if dead >= self.life.liveness.failures:
                    self.say("doesn't answer, and is killed")
                    return
            self.pause(0.02)

    @property
    def is_over(self):
        return self.is_deleted or self.is_lost or self.process.poll() is not None

    def pause(self, seconds):
        self.cluster.changed.wait_for(lambda: self.is_deleted or self.is_lost, seconds)

    def ask(self, probe):
        connection = http.client.HTTPConnection(self.address, probe.port, timeout=probe.timeout)
        try:
            connection.request("GET", probe.path)
            return 200 <= connection.getresponse().status < 400
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def set_ready(self, is_ready):
        if is_ready != self.is_ready:
            self.is_ready, self.ready_since = is_ready, time.monotonic()
            self.cluster.changed.notify()

    def delete(self):
        """SIGTERM, the grace period, SIGKILL; it's out of its Service from now on, as soon as that has heard."""
        self.is_deleted = True
        self.cluster.changed.notify()
        self.end(None)
        self.is_gone = True
        self.cluster.network.remove(self.name)
        self.cluster.changed.notify()

    def end(self, why):
        begun = time.monotonic()
        self.process.terminate()
        try:
            code = self.process.wait(timeout=self.life.grace)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.ended.append(code)
        self.say(f"{why or 'deleted'}: ended with {code}, {time.monotonic() - begun:.1f} s after SIGTERM")

    def kill(self):
        """Its process alone: the kubelet starts it again."""
        self.process.kill()

    def stop(self):
        """The process is there, and does nothing."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def lose(self):
        """Its machine: no process has a last word, and the network is silent. Its kubelet says nothing any more."""
        self.cluster.network.cut(self.name)
        self.is_lost = True
        self.process.kill()
        self.process.wait()
        self.cluster.changed.notify()


class Changes:
    """Wakes whoever waits for something to become so."""

    def __init__(self):
        self.condition = threading.Condition()

    def notify(self):
        with self.condition:
            self.condition.notify_all()

    def wait_for(self, probe, seconds):
        with self.condition:
            return self.condition.wait_for(probe, seconds)


class Service:
    """HAProxy in front of the pods that are ready. It says of each connection which pod has it."""

    def __init__(self, ground, life, faster):
        self.ground, self.life, self.sync = ground, life, SYNC / faster
        self.folder = ground.machine("service")
        # By slot: the pod that has it. One that was left isn't given to the next pod before all others had their turn: the
        # connections that it still has are its old pod's.
        self.slots, self.left, self.names = {}, list(range(SLOTS)), {}
        self.lock = threading.Lock()
        # Of each connection: its client's port, its pod, since when. Ports are used again.
        self.connections = []
        self.log = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.log.bind(("127.0.0.1", 0))
        threading.Thread(target=self.listen, daemon=True).start()
        self.start()

    def start(self):
        check = self.life.check
        milliseconds = lambda seconds: f"{round(seconds * 1000)}ms"  # noqa: E731
        servers = "".join(f"    server s{slot} 0.0.0.0:{self.life.ports['api']} disabled\n" for slot in range(SLOTS))
        (self.folder / "haproxy.cfg").write_text(f"""
global
    stats socket {self.folder}/socket level admin
    log 127.0.0.1:{self.log.getsockname()[1]} format raw local0
defaults
    mode tcp
    timeout connect {milliseconds(check.timeout)}
    timeout client {check.idle_timeout}s
    timeout server {check.idle_timeout}s
    timeout check {milliseconds(check.timeout)}
    retries 3
    option redispatch 1
frontend service
    bind {SERVICE}:{self.life.ports['api']}
    log global
    option logasap
    log-format "%cp %s"
    default_backend registry
backend registry
    balance roundrobin
    option httpchk GET {check.path}
    default-server check port {check.port} inter {milliseconds(check.interval)} fall {check.unhealthy} rise {check.healthy}
{servers}""")
        self.ground.start("service", "haproxy", ["/usr/sbin/haproxy", "-db", "-f", self.folder / "haproxy.cfg"], {}, as_self=True)
        self.ground.wait("the Service", lambda: (self.folder / "socket").exists())

    def listen(self):
        while True:
            words = self.log.recv(4096).decode(errors="replace").split()
            with self.lock:
                self.connections.append((int(words[0]), self.names.get(words[1], words[1]), time.monotonic()))

    def has(self, pods):
        """Makes the pods that are ready its servers."""
        for slot, pod in list(self.slots.items()):
            if pod not in pods:
                self.say(f"set server registry/s{slot} state maint")
                del self.slots[slot]
                self.left.append(slot)
        for pod in pods:
            if pod not in self.slots.values():
                slot = self.left.pop(0)
                self.slots[slot] = pod
                self.names = self.names | {f"s{slot}": pod.name}
                self.say(f"set server registry/s{slot} addr {pod.address} port {self.life.ports['api']}")
                self.say(f"set server registry/s{slot} state ready")

    def say(self, words):
        with socket.socket(socket.AF_UNIX) as admin:
            admin.connect(str(self.folder / "socket"))
            admin.sendall(words.encode() + b"\n")
            answer = admin.recv(4096).decode().strip()
        if answer and "changed" not in answer and "nothing" not in answer and "no need" not in answer:
            raise SystemExit(f"HAProxy says to {words}: {answer}")

    def pod_of(self, port, opened):
        """Of a connection that was opened by then; None: no pod has it yet."""
        with self.lock:
            return next((pod for each, pod, since in self.connections if each == port and since >= opened), None)


class Deployment:
    """Keeps as many pods as there are to be, and replaces them."""

    def __init__(self, ground, network, life, faster, binary, environment):
        self.ground, self.network, self.life, self.binary = ground, network, life, binary
        self.environment, self.changed = environment, Changes()
        self.pods, self.count = [], 0
        self.service = Service(ground, life, faster)
        # By pod: until when its Service still has it though it's lost.
        self.heard = {}
        self.is_over = False
        self.teller = threading.Thread(target=self.tell_service, daemon=True)
        self.teller.start()

    def tell_service(self):
        """A pod comes and goes there between 0 and the time of a sync later than it's so."""
        due = None
        told = []
        while not self.is_over:
            wanted = [pod for pod in self.pods if self.is_endpoint(pod)]
            if wanted != told and due is None:
                due = time.monotonic() + random.random() * self.service.sync
            if due is not None and time.monotonic() >= due:
                self.service.has(wanted)
                told, due = wanted, None
            self.changed.wait_for(lambda: False, 0.02)

    def stop(self):
        """Nobody is told of anything any more."""
        self.is_over = True
        self.teller.join()

    def is_endpoint(self, pod):
        if pod.is_lost:
            return time.monotonic() < self.heard[pod.name]
        return pod.is_ready and not pod.is_deleted

    def make(self):
        self.pods.append(Kubelet(self.count, self))
        self.count += 1
        return self.pods[-1]

    @property
    def wanted(self):
        return [pod for pod in self.pods if not (pod.is_deleted or pod.is_lost)]

    def start(self):
        for _ in range(self.life.replicas):
            self.make()
        self.settle(self.pods)

    def settle(self, pods):
        self.ground.wait("pods that are available", lambda: all(pod.is_available for pod in pods), 600)

    def update(self):
        """All pods replaced. - Returns: the old ones, ended."""
        old = self.wanted
        ending = []
        while True:
            new = [pod for pod in self.wanted if pod not in old]
            left = [pod for pod in old if not pod.is_deleted]
            available = sum(pod.is_available for pod in self.wanted)
            if not left and len(new) == self.life.replicas and available == self.life.replicas:
                break
            if len(new) < self.life.replicas and len(self.wanted) < self.life.replicas + self.life.surge:
                self.make()
            elif left and available > self.life.replicas - self.life.unavailable:
                thread = threading.Thread(target=left[0].delete, daemon=True)
                ending.append(thread)
                thread.start()
                self.ground.wait("a pod to be deleted", lambda: left[0].is_deleted)
            else:
                time.sleep(0.02)
        for thread in ending:
            thread.join()
        return old

    def replace_lost(self, pod):
        """A lost machine's pod: its Service forgets it when the machine has been silent for long, and another takes its place."""
        self.heard[pod.name] = time.monotonic() + self.life.monitor
        pod.lose()
        self.ground.wait("the machine to be given up", lambda: time.monotonic() >= self.heard[pod.name])
        self.make()
        self.settle(self.wanted)
