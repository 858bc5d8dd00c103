"""Writers that note every answer, and the comparison of their notes with what is there."""
import statistics
import threading
import time

# Answers that say: nothing was written.
refusals = {"store-unavailable", "overloaded"}
# Answers that leave it open: the same request with the same Idempotency-Key tells.
open_ends = {"outcome-unknown", "no-answer"}


class Ledger:
    def __init__(self):
        self.lock = threading.Lock()
        self.over = threading.Event()
        # By name: the revision; when it was told, after how long; at which node.
        self.acknowledged = {}
        self.acks = []
        # By name: the code of the only answer.
        self.refused = {}
        # Codes of answers that left it open, of which each was asked again.
        self.asked_again = []
        self.undecided = []
        self.threads = []

    def start(self, nodes, token, count=8):
        for number in range(count):
            node = nodes[number % len(nodes)]
            thread = threading.Thread(
                target=self.write, args=(f"w{number}", node, node.caller(token)), daemon=True)
            self.threads.append(thread)
            thread.start()

    def stop(self):
        self.over.set()
        for each in self.threads:
            each.join()

    def write(self, writer, node, call):
        number = 0
        while not self.over.is_set():
            name = f"{writer}-{number}.example.com"
            number += 1
            patience = None
            while True:
                began = time.monotonic()
                try:
                    status, body = call("POST", "/v1/domains", {"fqdn": name}, **{"Idempotency-Key": name})
                    code = body.get("code")
                except OSError:
                    status, code = 0, "no-answer"
                ended = time.monotonic()
                with self.lock:
                    if status == 201:
                        self.acknowledged[name] = body["revision"]
                        self.acks.append((ended, ended - began, node.name))
                        break
                    if code not in open_ends:
                        self.refused[name] = code
                        break
                    self.asked_again.append(code)
                # At the end an answer is there soon, or never.
                if self.over.is_set():
                    patience = patience or ended + 60
                    if ended > patience or node.has_ended():
                        self.undecided.append(name)
                        break
                self.over.wait(0.1)
            self.over.wait(0.02 if status == 201 else 0.1)

    # Figures.

    def acks_since(self, moment, node=None):
        with self.lock:
            return sum(at > moment and node in (None, where) for at, _, where in self.acks)

    def first_ack_after(self, moment, node):
        with self.lock:
            return min((at for at, took, where in self.acks if where == node and at - took > moment), default=None)

    def longest_gap(self, begin, end):
        """The longest time within [begin, end] without an acknowledged write."""
        with self.lock:
            times = [begin, *sorted(at for at, _, _ in self.acks if begin < at < end), end]
        return max(later - earlier for earlier, later in zip(times, times[1:]))

    def typical(self, begin, end):
        """p50 and p99 of the acknowledged writes that were told within [begin, end], in milliseconds."""
        with self.lock:
            times = [took for at, took, _ in self.acks if begin < at < end]
        marks = statistics.quantiles(times, n=100)
        return marks[49] * 1000, marks[98] * 1000

    # The comparison.

    def problems(self, call):
        """What the registry now says against what it said. Asks one node, which must be up to date."""
        with self.lock:
            acknowledged, refused = dict(self.acknowledged), dict(self.refused)
        found = []
        for name, revision in acknowledged.items():
            status, body = call("GET", f"/v1/domains/{name}")
            if status != 200 or body["revision"] != revision:
                now = f"at revision {body['revision']}" if status == 200 else body.get("code")
                found.append(f"LOST: {name} was acknowledged at revision {revision}, and is now {status} {now}")
        for name, code in refused.items():
            if code not in refusals:
                found.append(f"{name} was answered {code}")
            status, body = call("GET", f"/v1/domains/{name}")
            if status != 404:
                found.append(f"{name} was refused ({code}), and is now {status}")
        found += [f"{name} has no answer" for name in self.undecided]
        return found
