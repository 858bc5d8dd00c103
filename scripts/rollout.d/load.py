"""Those who use the registry while its nodes come and go. Each notes every request: when, on which connection, what came of it.

- lookups of names that never move, and of a name in the middle of each wave;
- long polls of the feed, and a stream of it, which must see each revision once and in order;
- registrations with an Idempotency-Key, which send again what had no answer until it has one;
- waves there and back by the command line, which is run again with --resume where it fails;
- two agents, who must have everything in the end.

A client is polite: it closes a connection when it's told to, and sends no request on one that has been idle for long. It never
sends again by itself, but for what is said above: what has no answer is a failure.
"""
import dataclasses
import http.client
import json
import random
import subprocess
import threading
import time

# In seconds. Longer than any answer that comes at all: a machine that is lost in the middle of a write holds the others' up
# until the database ends its session, 25 s later (docs/operations.md).
PATIENCE = 45
# A poll's wait; the whole of it is answered by a node that ends.
WAIT = 10
# As many on a connection, so that each node always has some of everything.
REQUESTS = 50


@dataclasses.dataclass(eq=False)
class Request:
    kind: str
    begun: float
    # The client's port, and since when it has the connection: what finds its pod. 0: there never was one.
    port: int
    opened: float
    ended: float = 0
    # None: as it must be.
    fault: str | None = None


class Client:
    """One connection, made anew when it's gone, and the requests on it."""

    def __init__(self, load, kind, token):
        self.load, self.kind, self.token = load, kind, token
        self.connection = http.client.HTTPConnection(*load.service, timeout=PATIENCE)
        self.opened, self.left = 0, 0

    def open(self, path, method="GET", body=None, **fields):
        """- Returns: the request's record, and the answer before it's read; the answer is None where there is none."""
        request = Request(self.kind, time.monotonic(), 0, 0)
        with self.load.lock:
            self.load.under_way.add(request)
        try:
            if self.left == 0:
                self.connection.close()
            if self.connection.sock is None:
                self.opened, self.left = time.monotonic(), random.randint(1, 2 * REQUESTS)
                self.connection.connect()
            self.left -= 1
            request.port, request.opened = self.connection.sock.getsockname()[1], self.opened
            text = None if body is None else json.dumps(body)
            self.connection.request(method, path, text, {
                "Authorization": f"Bearer {self.token}", "Content-Type": "application/json"} | fields)
            return request, self.connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            self.fail(request, error)
            return request, None

    def fail(self, request, error):
        self.connection.close()
        request.fault = request.fault or f"{type(error).__name__}: {error}"
        self.load.note(request)

    def ask(self, path, method="GET", body=None, wants=(200,), **fields):
        """- Returns: the status and the body; 0 and None where there is no answer."""
        request, answer = self.open(path, method, body, **fields)
        if answer is None:
            return 0, None
        try:
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.fail(request, error)
            return 0, None
        if answer.status not in wants:
            request.fault = f"{answer.status} {text[:200]!r}"
        self.load.note(request)
        return answer.status, json.loads(text or b"null")


class Load:
    def __init__(self, ground, binary, service, token):
        self.ground, self.binary, self.service, self.token = ground, binary, service, token
        self.lock, self.over, self.threads = threading.Lock(), threading.Event(), []
        self.requests, self.faults, self.under_way = [], [], set()
        # By name: the revision that was told for it.
        self.registered = {}
        # How far each follower of the feed has come.
        self.followed = {}
        # The command line's runs: when each ended, its arguments, its exit code, what it said.
        self.runs = []
        self.moves = 0

    def note(self, request):
        request.ended = time.monotonic()
        with self.lock:
            self.requests.append(request)
            self.under_way.discard(request)

    def waiting(self, begun_before):
        """Requests that have had no answer since a moment."""
        with self.lock:
            return [each for each in self.under_way if each.begun < begun_before]

    def fault(self, text):
        """What is wrong whatever happens to nodes."""
        with self.lock:
            self.faults.append(text)

    def since(self, moment, until=float("inf")):
        with self.lock:
            return [each for each in self.requests if moment <= each.ended < until]

    def start(self, stays, moves):
        self.epoch = Client(self, "head", self.token).ask("/v1/changes?after=0&limit=1")[1]["epoch"]
        for number in range(6):
            self.run(self.look_up, stays[number::6])
        for number in range(2):
            self.run(self.poll, f"poll {number}")
        self.run(self.stream, "stream")
        for number in range(4):
            self.run(self.register, f"w{number}")
        self.run(self.move, moves)

    def run(self, body, *values):
        def guarded():
            try:
                body(*values)
            except Exception as error:  # noqa: BLE001
                self.fault(f"{body.__name__} ended: {error!r}")
        self.threads.append(threading.Thread(target=guarded, daemon=True))
        self.threads[-1].start()

    def stop(self):
        self.over.set()
        for each in self.threads:
            each.join()

    def look_up(self, names):
        client, number = Client(self, "lookup", self.token), 0
        while not self.over.wait(0.02):
            name = names[number % len(names)]
            number += 1
            status, body = client.ask(f"/v1/domains/{name}")
            if status == 200 and body["location"] != "japan":
                self.fault(f"{name} is at {body['location']}, and was never moved")

    def take(self, who, page):
        """Pages follow one another without a gap, and none comes again."""
        before = self.followed.setdefault(who, 0)
        if page["from"] != before or page["to"] < before:
            self.fault(f"{who}: a page from {page['from']} to {page['to']} came after {before}")
        self.followed[who] = page["to"]

    def poll(self, who):
        client = Client(self, "poll", self.token)
        while not self.over.is_set():
            after = self.followed.get(who, 0)
            status, page = client.ask(f"/v1/changes?after={after}&wait={WAIT}&epoch={self.epoch}")
            if status == 200:
                self.take(who, page)

    def stream(self, who):
        """The end of a stream, between two events, is its answer; one that breaks off is a failure."""
        client = Client(self, "stream", self.token)
        while not self.over.is_set():
            after = self.followed.get(who, 0)
            request, answer = client.open(
                f"/v1/changes?after={after}&epoch={self.epoch}", Accept="text/event-stream")
            if answer is None:
                continue
            if answer.status != 200:
                request.fault = f"{answer.status} {answer.read()[:200]!r}"
                self.note(request)
                continue
            try:
                fields = {}
                while (line := answer.readline()) and not self.over.is_set():
                    words = line.decode().rstrip("\n")
                    if words:
                        name, _, value = words.partition(": ")
                        fields[name] = value
                        continue
                    if "id" in fields:
                        self.take(who, json.loads(fields["data"]))
                    fields = {}
                if fields:
                    request.fault = "the stream broke off within an event"
                client.connection.close()
                self.note(request)
            except (OSError, http.client.HTTPException) as error:
                client.fail(request, error)

    def register(self, who):
        client, number = Client(self, "registration", self.token), 0
        while not self.over.wait(0.05):
            name = f"{who}-{number}.example.com"
            number += 1
            while True:
                status, body = client.ask("/v1/domains", "POST", {"fqdn": name}, wants=(201,), **{"Idempotency-Key": name})
                if status == 201:
                    self.registered[name] = body["revision"]
                    break
                if status not in (0, 503, 504):
                    self.fault(f"{name} was answered {status} {body}")
                    break
                time.sleep(0.1)

    def command(self, *words):
        begun = time.monotonic()
        done = subprocess.run(
            [self.binary, *words], capture_output=True, text=True, timeout=300,
            env={"PATH": "/usr/bin:/bin", "TENANT_REGISTRY_SERVER": "http://{}:{}".format(*self.service),
                 "TENANT_REGISTRY_TOKEN": self.token})
        run = (begun, time.monotonic(), words, done.returncode, (done.stdout + done.stderr).strip())
        with self.lock:
            self.runs.append(run)
        return done

    def move(self, names):
        """All of them in waves, to the other place and back, again and again."""
        places, number = ["japan", "aws"], 0
        listed = self.ground.folder / "moving"
        listed.write_text("\n".join(names) + "\n")
        while not self.over.is_set():
            plan = f"rollout-{number}"
            number += 1
            words = ["migrations", "plan", "--from", places[0], "--to", places[1], "--file", str(listed), "--waves", "10,rest",
                     "--freeze", "read_only", "--name", plan, "--output", "json"]
            done = self.command(*words)
            while done.returncode:
                # Whether it's there, is what --name is for.
                time.sleep(0.2)
                if self.command("migrations", "show", plan).returncode == 0:
                    break
                done = self.command(*words)
            resume = []
            while self.command("migrations", "run", plan, "--yes", "--wait-converged", *resume).returncode:
                resume = ["--resume"]
                time.sleep(0.2)
            self.command("migrations", "finalize", plan)
            self.moves += len(names)
            places.reverse()
