"""The story: four steps, each with its way back, while visitors come.

What is published by DNS, who was cut off and when everybody knew a revision is noted in the chronicle, for the judge.
"""
import json
import subprocess
import sys
import time

from addresses import NEW, NEW_BALANCER, OLD, OLD_BALANCER, PLACES, ZONE
from judge import Chronicle, Publication
from name_servers import DENIAL_TTL, HIGH, LOW, PARENT_TTL, base_zone
from records import Dns, Seen, Signup, Web
from world import HERE

# Copying takes so long, in seconds: of a few customers, and of many.
SHORT_COPY, LONG_COPY = 1.0, 2.5


class Story:
    def __init__(self, world, short=False):
        self.world, self.ground, self.dns = world, world.ground, world.dns
        self.chronicle = Chronicle()
        self.seen = Seen(world.seen)
        # What DNS is to say: where the wildcard leads, for how long, and whom the zone names as its server.
        self.default, self.ttl, self.server = "japan", LOW if short else HIGH, "old"
        self.began = time.time()

    def say(self, text):
        print(f"{time.time() - self.began:6.1f} s  {text}", flush=True)

    def mark(self, text):
        self.chronicle.marks.append((time.time(), text))

    def step(self, title):
        """Ends the step before, and begins another one."""
        now = time.time()
        if self.chronicle.steps:
            self.chronicle.steps[-1][2] = now
        self.chronicle.steps.append([title, now, float("inf")])
        print(f"\n\033[1m{title}\033[0m", flush=True)

    # DNS.

    def publish_zone(self, servers):
        """Has servers serve what the registry says now, and asks them for all of it.

        Who signs up after the zone was read is in the next publication; any other difference is a fault.
        """
        base = self.ground.folder / "base.zone"
        base.write_text(base_zone(self.server, self.ttl))
        self.zone = ["--zone", ZONE, "--default", self.default, "--ttl", self.ttl, "--base", base]
        began = time.time()
        through = [self.dns.publish(self.world, server, self.zone) for server in servers]
        self.chronicle.publications.append(Publication(
            began, time.time(), self.default, self.ttl, DENIAL_TTL if "new" in servers else 0, min(through), max(through)))
        for server, revision in zip(servers, through):
            differences = self.dns.check(self.world, server, self.zone)
            self.chronicle.checks.append(len(differences))
            for line in differences:
                name = ".".join(line.split()[0].split(".")[-1 - len(ZONE.split(".")):])
                if self.world.call("GET", f"/v1/domains/{name}")["revision"] <= revision:
                    raise SystemExit(f"dns check of the {server} server, after revision {revision} was published: {line}")

    def wait_until_all_visit(self, address):
        """- Returns: after how many seconds nobody began a request elsewhere any more, for a second."""
        began = time.time()

        def all_there():
            recent = self.seen.since(Web, time.time() - 1)
            return len(recent) > 20 and all(each.address == address for each in recent)
        self.ground.wait(f"everybody to visit {address}", all_there)
        late = [each.begun for each in self.seen.since(Web, began) if each.address != address]
        return max(late, default=began) - began

    # 1. DNS servers.

    def july(self):
        self.step("1. July: the DNS servers")
        self.baseline()
        self.lower_ttl()
        self.publish_zone(["new"])
        same = self.dns.zone(OLD)
        if same != self.dns.zone(NEW):
            raise SystemExit(f"the servers differ: {sorted(same ^ self.dns.zone(NEW))}")
        self.say(f"the new server has the zone, signed; compared with the old one by AXFR: {len(same)} records, none differs")
        self.delegate("new")
        self.secure()
        self.insecure()
        self.delegate("old")
        self.delegate("new")
        self.secure()
        self.ttl = HIGH
        self.publish_zone(["new"])
        self.say(f"TTLs are {HIGH} s again")

    def baseline(self):
        began = time.time()
        self.ground.wait("visitors", lambda: len(self.seen.since(Web, began)) > 2 * len(self.world.names))
        self.say(f"{len(self.world.names)} customers in japan, {len(self.seen.read())} visits so far; the zone is the {self.server} server's")

    def lower_ttl(self):
        before, self.ttl = self.ttl, LOW
        self.publish_zone(["old"] if self.server == "old" else ["new"])
        self.dns.wait_for_caches(before)
        self.say(f"TTLs are {LOW} s in all caches, {before} s after they were lowered")

    def delegate(self, server):
        """Both servers name the one that is to be asked; then the parent does."""
        self.server = server
        self.publish_zone(["old", "new"])
        self.dns.delegate(server)
        self.mark(f"delegated to the {server} server")
        self.dns.wait_for_caches(max(PARENT_TTL, LOW) + LOW)
        count, since = self.dns.count_of_old(), time.time()

        def asked_anew():
            """Answers that the resolver didn't have any more."""
            return [each for each in self.seen.since(Dns, since) if each.ttl == self.ttl]
        self.ground.wait("visitors who resolve", lambda: len(asked_anew()) > len(self.world.names) // 2)
        # Nobody else than the resolver asks meanwhile.
        asked = self.dns.count_of_old() - count
        if (asked > 0) != (server == "old"):
            raise SystemExit(f"the delegation is {server}'s, and the old server was asked {asked} times")
        self.say(f"delegated to the {server} server, and caches are over it: since then {len(asked_anew())} "
                 f"answers were new to the resolver, and it asked the old server {asked} times")

    def secure(self):
        self.dns.publish_key()
        self.mark("DS")
        # That there's no DS is in caches too.
        self.dns.wait_for_caches(PARENT_TTL + LOW)
        self.ground.wait("a validated answer", lambda: self.dns.is_validated(self.world.names[0]))
        self.chronicle.secure.append([time.time(), float("inf")])
        self.say("the parent has the DS: the resolver validates, and must from now on")

    def insecure(self):
        self.chronicle.secure[-1][1] = time.time()
        self.dns.withdraw_key()
        self.mark("no DS")
        self.dns.wait_for_caches(PARENT_TTL + LOW)
        if self.dns.is_validated(self.world.names[0]):
            raise SystemExit("the DS is gone, and the resolver still validates")
        self.say("the way back: the DS is gone from all caches before the delegation moves")

    # 2. The balancer.

    def august(self):
        self.step("2. August: the load balancer")
        self.lower_ttl()
        for address, name in ((NEW_BALANCER, "new"), (OLD_BALANCER, "old"), (NEW_BALANCER, "new")):
            self.world.set_entrance("japan", address)
            self.publish_zone(["new"])
            self.mark(f"wildcard to the {name} balancer")
            took = self.wait_until_all_visit(address)
            self.say(f"the wildcard leads to the {name} balancer: everybody is there after {took:.1f} s (TTL {LOW} s), "
                     f"all of them served by japan")

    # 3. Signups.

    def september(self):
        self.step("3. September: signups")
        for place in ("aws", "japan", "aws"):
            began = time.time()
            self.send_signups(place)
            self.mark(f"signups to {place}")
            done = time.time()

            def signed_up():
                return [each for each in self.seen.since(Signup, done) if each.location == place and not each.trouble]
            self.ground.wait(f"signups in {place}", lambda: len(signed_up()) >= 3)
            self.publish_zone(["new"])
            self.say(f"signups go to {place}, by one PUT ({(done - began) * 1000:.0f} ms): {len(signed_up())} held, made ready, "
                     f"activated and told since")

    def send_signups(self, place):
        self.world.call("PUT", f"/v1/locations/{place}", {
            "upstream": f"http://{PLACES[place]}:9000", "accepts_signups": True, "default_for_signups": True})

    # 4. The waves.

    def waves(self):
        self.step("4. The waves")
        plan = self.plan("the-move", ["--all", "--waves", "5,10%,rest"])
        self.run_wave(plan, 1, SHORT_COPY)
        self.cut_off_wave(plan, 2)
        self.roll_back(plan, 2)
        names = self.ground.folder / "again.txt"
        names.write_text("".join(f"{name}\n" for name in self.names_of(plan, 2)))
        again = self.plan("again", ["--file", names, "--waves", "rest"])
        self.run_wave(again, 1, SHORT_COPY)
        self.run_wave(plan, 3, LONG_COPY, "--resume")
        self.close(plan, again)

    def plan(self, name, which):
        path = self.ground.folder / f"{name}.json"
        self.world.registry("migrations", "plan", "--from", "japan", "--to", "aws", "--freeze", "read_only", "--name", name,
                            "--write-plan", path, *which)
        plan = json.loads(path.read_text())
        sizes = [wave["size"] for wave in self.world.call("GET", f"/v1/migrations/{plan['id']}")["waves"]]
        self.say(f"{name}: {' + '.join(map(str, sizes))} customers, in waves")
        return plan["id"], path

    def names_of(self, plan, wave):
        text = self.world.registry("migrations", "show", plan[0], "--domains", "--wave", wave, "--output", "ndjson")
        return [json.loads(line)["fqdn"] for line in text.splitlines()]

    def copying(self, source, target, seconds):
        return f"{sys.executable} {HERE}/copy_data.py {self.world.binary} {source} {target} {seconds}"

    def copy(self, plan, wave, source, target, seconds):
        """As the command line runs an operator's --before-cutover."""
        subprocess.run(self.copying(source, target, seconds), shell=True, check=True, env=self.world.operator | {
            "TENANT_REGISTRY_MIGRATION": plan[0], "TENANT_REGISTRY_WAVE": str(wave)})

    def know(self, step, moment=None):
        """Everybody who is waited for has a step's revision, from now on."""
        self.chronicle.known[step["revision"]] = moment or time.time()

    def run_wave(self, plan, wave, seconds, *more):
        """By `migrations run --safe`, whose words say when everybody knew each step."""
        words = [self.world.binary, "migrations", "run", plan[0], "--plan", plan[1], "--safe", "--yes", "--output", "ndjson",
                 "--wave", str(wave), "--deadline", "2m", "--before-cutover", self.copying("japan", "aws", seconds), *more]
        times = {}
        with subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=self.world.operator) as process:
            for line in process.stdout:
                event = json.loads(line)
                now = times[event["event"]] = time.time()
                if "revision" in event:
                    self.know(event, now)
                    if event["event"] != "announced":
                        self.mark(f"wave of {event['count']} {event['event']}")
                    size = event["count"]
            trouble = process.stderr.read()
        if process.returncode != 0:
            raise SystemExit(f"migrations run: {process.returncode} {trouble}")
        self.publish_zone(["new"])
        self.say(f"wave {wave}, {size} customers: announced; safe {times['frozen'] - times['announced']:.2f} s later; copied, and "
                 f"moved {times['moved'] - times['frozen']:.1f} s after that; DNS followed")

    def cut_off_wave(self, plan, wave):
        """By hand, for an agent is cut off after it has heard of the announcement, until after the cutover."""
        registry, which = self.world.registry, [plan[0], "--wave", wave, "--plan", plan[1], "--output", "json"]
        registry("migrations", "announce", *which, "--wait-converged")
        cut = ["nginx-b", time.time(), float("inf")]
        self.world.lines["agent-b"].is_cut = True
        self.chronicle.cuts.append(cut)
        self.mark("agent-b cut off")
        began = time.time()
        frozen = json.loads(registry("migrations", "freeze", *which, "--deadline", "2m", "--wait-safe", "60s", "--yes"))
        if frozen["safety"]["unsafe"] or frozen["safety"]["fenced"] != 1:
            raise SystemExit(f"the freeze isn't safe as it should be: {frozen['safety']}")
        safe = time.time()
        self.know(frozen)
        self.copy(plan, wave, "japan", "aws", SHORT_COPY)
        moved = json.loads(registry("migrations", "cutover", *which, "--require-safe", "--yes"))
        # By the one that is cut off the freeze goes on.
        self.know(moved, self.world.wait_until_shared("agent-a", moved["revision"]))
        self.mark(f"wave of {moved['moved']} moved")
        self.publish_zone(["new"])
        # Until somebody has been there by the one that is cut off, which answers as in the freeze.
        after = time.time()
        self.ground.wait("reads by nginx-b of those who have moved", lambda: [
            each for each in self.seen.since(Web, after) if each.proxy == "nginx-b" and each.mode == "read_only"])
        self.world.lines["agent-b"].is_cut = False
        cut[2] = self.world.wait_until_shared("agent-b", moved["revision"])
        self.mark("agent-b is back")
        self.say(f"wave {wave}, {moved['moved']} customers, with agent-b cut off after the announcement: safe after "
                 f"{safe - began:.1f} s, for it fences itself; moved without it, and it was back {cut[2] - cut[1]:.1f} s after the cut")

    def roll_back(self, plan, wave):
        back = json.loads(self.world.registry("migrations", "rollback", plan[0], "--wave", wave, "--wait-converged", "--output", "json",
                                              "--reason", "rehearsed"))
        self.know(back)
        self.mark(f"wave of {back['rolled_back']} rolled back")
        # What aws took of them meanwhile goes along; nobody writes there any more.
        self.copy(plan, wave, "aws", "japan", 0)
        self.publish_zone(["new"])
        self.say(f"wave {wave} went back, {back['rolled_back']} customers, with what they had written in aws; DNS followed")

    def drift(self, place, allowed):
        """Compares what a place has with what the registry says. - Returns: the findings, of no other kind than those allowed."""
        listed = self.ground.folder / "names"

        def compare():
            listed.write_text(self.world.ask(PLACES[place], 9001, "GET", "/customers")[1])
            text = self.world.registry("drift", "--location", place, listed, "--output", "ndjson", codes=(0, 1))
            self.findings = [each for each in map(json.loads, text.splitlines()) if "finding" in each]
            return not {each["finding"] for each in self.findings} - allowed
        try:
            # Who signs up between the list and the comparison is in the next list: what drifts stays.
            self.ground.wait(f"no drift in {place}", compare)
        except SystemExit:
            raise SystemExit(f"drift in {place}: {self.findings[:5]}") from None
        return self.findings

    def close(self, *plans):
        self.drift("aws", set())
        left = self.drift("japan", {"elsewhere"})
        for plan in plans:
            self.world.registry("migrations", "finalize", plan[0], "--reason", "rehearsed")
        for each in left:
            self.world.ask(PLACES["japan"], 9001, "DELETE", f"/customers/{each['fqdn']}")
        stats = json.loads(self.world.registry("stats", "--output", "json"))
        self.say(f"drift: aws has whom the registry says, japan still had {len(left)} who have moved, until it was finalized: {stats}")
        self.world.registry("locations", "set", "japan", "--no-accepts-signups")
        # Everybody lives where the wildcard is to lead: nobody is an exception any more.
        self.default = "aws"
        self.publish_zone(["new"])
        self.dns.wait_for_caches(LOW)
        for name in ("old-balancer", "japan"):
            self.world.stop(name)
        self.mark("japan closed")
        since = time.time()
        self.ground.wait("visits without japan", lambda: len(self.seen.since(Web, since)) > 3 * len(self.world.names))
        self.say(f"japan is closed, its balancer and its application are stopped: {len(self.seen.since(Web, since))} visits since")

    # All of it.

    def begin(self, rate, signup_every):
        self.publish_zone(["old"])
        self.dns.start_resolver()
        self.world.start_visitors(rate, signup_every)

    def begin_in_september(self, rate, signup_every):
        """DNS, the balancer and signups have moved already."""
        self.server = "new"
        self.world.set_entrance("japan", NEW_BALANCER)
        self.publish_zone(["new"])
        self.dns.delegate("new")
        self.dns.start_resolver()
        self.world.start_visitors(rate, signup_every)
        self.send_signups("aws")
        self.step("September")
        self.baseline()
