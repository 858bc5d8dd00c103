"""The judge: holds what visitors, those who signed up and both applications saw against the registry's own history.

`Chronicle` is what the story noted of itself while it went on: when everybody knew a revision, when a proxy was cut off, what was
published by DNS. It can only make the judge stricter or say which of two neighbouring moments counts; where anybody lived is
history's word alone.
"""
import bisect
import collections
import dataclasses
import datetime
import json

from records import Dns, Signup, Web

# Resolvers count whole seconds of a TTL.
ROUNDING = 1.0
LINES = ("failed requests", "requests on the wrong side", "writes lost", "writes accepted twice",
         "answers by DNS that neither the step before nor after gives", "signups that went wrong")
FAILED, WRONG, LOST, TWICE, ANSWERED, SIGNED_UP = LINES


@dataclasses.dataclass
class Publication:
    """One state of the zone: from `began` it may be served, from `done` on nothing else is, but by caches."""
    began: float
    done: float
    default: str
    ttl: int
    # How long resolvers may keep NSEC records, which say that there's nothing between two names; 0 where the zone isn't signed.
    denial_ttl: int
    # The registry's head before and after it was read.
    first: int
    last: int


@dataclasses.dataclass
class Chronicle:
    steps: list = dataclasses.field(default_factory=list)
    marks: list = dataclasses.field(default_factory=list)
    # By revision: when all proxies had it, but for those that were cut off and fenced.
    known: dict = dataclasses.field(default_factory=dict)
    # (proxy, from, to): it heard nothing of the registry.
    cuts: list = dataclasses.field(default_factory=list)
    publications: list = dataclasses.field(default_factory=list)
    # By `dns check` of a server after a publication: how many differences it found, all of them later than the publication.
    checks: list = dataclasses.field(default_factory=list)
    # (from, to): every answer had to be validated.
    secure: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class State:
    """Where a customer lived from a revision on."""
    at: float
    revision: int
    location: str
    mode: str
    fence: str
    action: str


class History:
    """The registry's own, by name."""

    def __init__(self, ndjson):
        self.lives, self.defaults = collections.defaultdict(list), []
        # Of a location: where DNS leads from a revision on.
        self.addresses = collections.defaultdict(list)
        for item in map(json.loads, ndjson.splitlines()):
            at = datetime.datetime.fromisoformat(item["at"].replace("Z", "+00:00")).timestamp()
            after = item.get("after") or {}
            if item["action"] in ("held", "hold_released", "hold_expired"):
                continue
            if "fqdn" in item:
                self.lives[item["fqdn"]].append(State(
                    at, item["revision"], after.get("location"), after.get("mode"), after.get("fence"), item["action"]))
            elif item["action"].startswith("location_"):
                if after.get("default_for_signups"):
                    self.defaults.append((at, item["subject"]))
                self.addresses[item["subject"]].append((item["revision"], (after.get("dns") or {}).get("a", [])))

    def location(self, name, revision):
        """As of a revision; None where nobody had the name."""
        found = None
        for state in self.lives.get(name, []):
            if state.revision > revision:
                break
            found = state.location
        return found

    def address(self, place, revision):
        """Where DNS was to lead to a place, as of a revision."""
        found = [addresses for since, addresses in self.addresses[place] if since <= revision]
        return found[-1][0]

    def default_between(self, begun, ended):
        ends = [at for at, _ in self.defaults[1:]] + [float("inf")]
        return {place for (at, place), end in zip(self.defaults, ends) if at <= ended and end >= begun}


class Log:
    """What an application took, and what it has in the end."""

    def __init__(self, path):
        self.taken = collections.Counter()
        self.has = {}
        for line in path.read_text().splitlines():
            what, name, *more = line.split()
            if what == "made":
                self.has.setdefault(name, [])
            elif what == "removed":
                self.has.pop(name, None)
            else:
                self.has[name].append(more[0])
                if what == "taken":
                    self.taken[(name, more[0])] += 1


class Judge:
    def __init__(self, chronicle, history, logs, seen, began):
        self.chronicle, self.history, self.logs, self.began = chronicle, history, logs, began
        self.problems = {line: [] for line in LINES}
        self.web, self.dns, self.signups = seen.of(Web), seen.of(Dns), seen.of(Signup)
        # For the table and the picture: (begun, ended, verdict, side), a line a request.
        self.verdicts = []
        self.fenced_reads = 0
        self.holds = []

    def judge(self):
        for record in self.web:
            self.verdicts.append((record.begun, record.ended, self.judge_request(record), record.side))
        self.judge_writes()
        for record in self.dns:
            self.judge_answer(record)
        for record in self.signups:
            self.judge_signup(record)
        return self.problems

    def found(self, line, at, text):
        self.problems[line].append((at, f"{at - self.began:.1f} s: {text}"))

    # Requests.

    def known(self, state):
        """The last moment at which the state before this one could still be the answer."""
        return self.chronicle.known.get(state.revision, state.at)

    def possible(self, name, begun, ended):
        states = self.history.lives.get(name, [])
        return [state for number, state in enumerate(states) if state.at <= ended
                and (number + 1 == len(states) or self.known(states[number + 1]) >= begun)]

    def fences(self, name, proxy, begun, ended):
        """What a proxy that was cut off answers of a name whose wave had been announced to it before."""
        for cut, start, end in self.chronicle.cuts:
            if cut == proxy and start <= ended and begun <= end:
                before = [state for state in self.history.lives.get(name, []) if state.at <= start]
                if before and before[-1].fence:
                    yield before[-1]

    def judge_request(self, request):
        begun, ended, name, method, _, address, status, side, mode, proxy = request
        states = self.possible(name, begun, ended)
        fences = list(self.fences(name, proxy, begun, ended))
        is_read = method == "GET"
        said = ", ".join(f"{state.location} {state.mode} since {state.at - self.began:.1f} s (revision {state.revision}, "
                         f"{state.action})" for state in states) or "nobody"
        if side in self.logs:
            if any(state.location == side and (state.mode == "serve" or is_read) for state in states):
                if status == 200:
                    return "served"
            elif status == 200 and is_read and mode != "serve" and any(state.location == side for state in fences):
                self.fenced_reads += 1
                return "served"
            else:
                self.found(WRONG, begun, f"{method} {name} reached {side} ({status}) by {proxy} at {address}; history: {said}")
                return "wrong"
        elif status == 503 and not is_read and (fences or any(state.mode != "serve" for state in states)):
            return "held"
        self.found(FAILED, begun, f"{method} {name} at {address}{f' by {proxy}' if proxy else ''}: {status} {side}; history: {said}")
        return "failed"

    def judge_writes(self):
        """Each acknowledged write stands once where its customer lives, and was taken once in all."""
        first, acknowledged = {}, {}
        for each in self.web:
            if each.method == "POST":
                write = (each.name, each.key)
                first.setdefault(write, each.begun)
                if each.status == 200:
                    if write not in acknowledged and each.begun > first[write]:
                        self.holds.append((first[write], each.ended - first[write]))
                    acknowledged[write] = each.ended
        homes = {place: collections.Counter((name, key) for name, keys in log.has.items() for key in keys)
                 for place, log in self.logs.items()}
        for (name, key), at in acknowledged.items():
            home = self.history.lives[name][-1].location
            count = homes[home][(name, key)]
            if count == 0:
                elsewhere = [place for place in homes if homes[place][(name, key)]]
                self.found(LOST, at, f"{key} was acknowledged, and {home}, where {name} lives, doesn't have it "
                           f"({', '.join(elsewhere) or 'nor has anybody else'})")
            elif count > 1:
                self.found(TWICE, at, f"{home} has {key} {count} times")
        taken = sum((log.taken for log in self.logs.values()), collections.Counter())
        for (name, key), count in taken.items():
            # One that stands twice in one place has been found there.
            if count > 1 and max(home[(name, key)] for home in homes.values()) < 2:
                where = ", ".join(f"{place} {log.taken[(name, key)]}" for place, log in self.logs.items())
                self.found(TWICE, acknowledged.get((name, key), self.began), f"{key} was taken {count} times ({where})")
        return acknowledged

    # DNS.

    def expected(self, name, publication):
        """Addresses that a publication has for a name: of two, where something moved while the registry was read."""
        return {self.history.address(self.history.location(name, revision) or publication.default, revision)
                for revision in (publication.first, publication.last)}

    def wildcard(self, publication):
        return {self.history.address(publication.default, revision) for revision in (publication.first, publication.last)}

    def judge_answer(self, answer):
        asked, answered, name, code, address, ttl, validated = answer
        if code != "NOERROR" or not isinstance(address, str):
            return self.found(ANSWERED, asked, f"{name}: {code} {address}")
        said = []
        publications = self.chronicle.publications
        last = bisect.bisect_right([each.began for each in publications], answered)
        for number in range(last - 1, -1, -1):
            publication = publications[number]
            # What was served before the next one was there may be in a cache for as long as its TTL.
            end = publications[number + 1].done + publication.ttl + ROUNDING if number + 1 < len(publications) else float("inf")
            if asked > end + publication.denial_ttl:
                return self.found(ANSWERED, asked, f"{name}: {address} for {ttl} s; published: {', '.join(said)}")
            addresses = self.expected(name, publication)
            said.append(f"{'/'.join(addresses)} for {publication.ttl} s")
            # As long as a resolver has it signed that a name isn't there, it may answer with a wildcard that it has heard since
            # (RFC 8198, 5.3; unbound does).
            if address in self.wildcard(publication):
                end += publication.denial_ttl
            if address in addresses and ttl <= publication.ttl and asked + ttl <= end:
                break
        else:
            return self.found(ANSWERED, asked, f"{name}: {address} for {ttl} s; published: {', '.join(said)}")
        if not validated and any(start <= asked and answered <= stop for start, stop in self.chronicle.secure):
            self.found(ANSWERED, asked, f"{name}: {address} isn't validated, though the zone is signed")

    # Signups.

    def judge_signup(self, signup):
        if signup.trouble:
            return self.found(SIGNED_UP, signup.begun, f"{signup.name}: {signup.trouble}")
        defaults = self.history.default_between(signup.begun, signup.ended)
        if signup.location not in defaults:
            self.found(SIGNED_UP, signup.begun,
                       f"{signup.name} was held in {signup.location}, and signups went to {' or '.join(defaults)}")

    # Figures.

    def summary(self):
        """In a line: how much was judged, and how much of it was wrong."""
        writes = sum(sum(log.taken.values()) for log in self.logs.values())
        counts = {line: len(found) for line, found in self.problems.items()}
        return (f"{len(self.web):,} requests, {counts[FAILED]} failed, {counts[WRONG]} on the wrong side; {writes:,} writes, "
                f"{counts[LOST]} lost, {counts[TWICE]} taken twice; {len(self.dns):,} answers by DNS, {counts[ANSWERED]} wrong")

    def table(self):
        """A line a step: title, requests, failed, wrong, held writes, longest hold, DNS answers judged, p50 and p99 in ms."""
        lines = []
        for title, start, end in self.chronicle.steps:
            mine = [each for each in self.verdicts if start <= each[0] < end]
            times = sorted(ended - begun for begun, ended, verdict, _ in mine if verdict == "served")
            holds = [took for begun, took in self.holds if start <= begun < end]
            counts = collections.Counter(verdict for _, _, verdict, _ in mine)
            answers = sum(start <= each.begun < end for each in self.dns)
            def mark(share):
                return f"{times[int(share * (len(times) - 1))] * 1000:.1f}" if times else "-"
            lines.append((title, len(mine), counts["failed"], counts["wrong"], len(holds), f"{max(holds, default=0):.1f} s",
                          answers, mark(0.5), mark(0.99)))
        return lines
