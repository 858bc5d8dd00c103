"""Breaks one thing behind the story's back, in a short story: the control of each line of the judge's."""
import dataclasses
import json
import signal
import time
import typing

from addresses import NEW, NEW_BALANCER, OLD_BALANCER, PROXY_ADDRESS, ZONE
from judge import ANSWERED, FAILED, LOST, SIGNED_UP, TWICE, WRONG
from name_servers import LOW, PARENT_TTL
from records import Dns, Signup, Web
from story import SHORT_COPY


@dataclasses.dataclass
class Sabotage:
    play: typing.Callable
    # Of the judge's lines: what has to be found, and what may be found besides.
    line: str
    besides: tuple
    # In the judge's words, what was broken.
    what: str


def kill_balancer(story):
    """For a second."""
    world = story.world
    world.processes["new-balancer"].kill()
    world.processes["new-balancer"].wait()
    back_at = time.monotonic() + 1
    story.ground.wait("a second", lambda: time.monotonic() > back_at)
    world.start_balancer("new-balancer")
    story.ground.wait("the balancer", lambda: world.is_served(NEW_BALANCER))


def route_by_hand(story):
    """One machine's nginx has a rule of its own for one customer."""
    world, name = story.world, story.world.names[0]
    path = world.ground.folder / "nginx-a" / "by-hand.conf"
    path.write_text(f"server {{ listen {PROXY_ADDRESS['nginx-a']}:8000; server_name {name};\n"
                    "location / { proxy_pass http://aws; proxy_set_header Host $host; } }\n")
    world.processes["nginx-a"].send_signal(signal.SIGHUP)
    since = time.time()
    story.ground.wait("a visit there", lambda: [each for each in story.seen.since(Web, since) if each.side == "aws" and each.name == name])


def lose_a_write(story):
    """The copy of the first wave leaves one write behind."""
    # It has to be one of theirs: each of them has written.
    names = set(story.world.names)
    story.ground.wait("a write of everybody", lambda: not names - {
        each.name for each in story.seen.of(Web) if each.method == "POST" and each.status == 200}, 60)
    story.copying = lambda source, target, seconds, copying=story.copying: f"{copying(source, target, seconds)} lose"
    story.run_wave(story.plan("the-move", ["--all", "--waves", "5,rest"]), 1, SHORT_COPY)


def send_again(story):
    """A balancer that sends a write to the application once more, though it was answered."""
    write = [each for each in story.seen.of(Web) if each.method == "POST" and each.status == 200][-1]
    status, _ = story.world.ask(NEW_BALANCER, 80, "POST", "/", write.key, {"Host": write.name})
    assert status == 200, status


def publish_wrong_address(story):
    """One exception leads to the old balancer."""
    plan = story.plan("the-move", ["--all", "--waves", "5,rest"])
    story.run_wave(plan, 1, SHORT_COPY)
    name, since = story.names_of(plan, 1)[0], time.time()
    story.dns.update(NEW, f"zone {ZONE}.\nupdate delete {name}. A\nupdate add {name}. {LOW} A {OLD_BALANCER}\nsend\n")
    # The product finds it too.
    found = story.dns.check(story.world, "new", story.zone)
    if name not in [line.split()[0] for line in found]:
        raise SystemExit(f"dns check, with {name} at {OLD_BALANCER}: {found}")
    story.ground.wait("somebody who is sent there", lambda: [
        each for each in story.seen.since(Dns, since) if each.address == OLD_BALANCER])


def keep_key(story):
    """The delegation goes back to a server that doesn't sign, and the DS stays."""
    story.secure()
    story.server = "old"
    story.publish_zone(["old", "new"])
    story.dns.delegate("old")
    since = time.time()
    story.ground.wait("an answer that isn't valid", lambda: [each for each in story.seen.since(Dns, since) if each.code == "SERVFAIL"],
                      10 * (LOW + PARENT_TTL))


def close_signups(story):
    """Signups go to a place that takes none."""
    story.world.registry("locations", "set", "aws", "--no-accepts-signups")
    since = time.time()
    story.ground.wait("a signup", lambda: [each for each in story.seen.since(Signup, since) if each.trouble])


def go_on_without_waiting(story):
    """An agent is cut off and evicted, and its proxy goes on: the wave isn't announced, and nobody waits for a safe freeze."""
    world = story.world
    plan = story.plan("the-move", ["--all", "--waves", "20,rest"])
    world.lines["agent-b"].is_cut = True
    world.registry("agents", "evict", "agent-b", "--reason", "it lags")
    which = [plan[0], "--wave", 1, "--plan", plan[1], "--output", "json", "--yes"]
    story.know(json.loads(world.registry("migrations", "freeze", *which, "--deadline", "2m", "--wait-converged")))
    story.copy(plan, 1, "japan", "aws", SHORT_COPY)
    story.know(json.loads(world.registry("migrations", "cutover", *which, "--require-converged", "--wait-converged")))
    since = time.time()
    story.ground.wait("a write that's late", lambda: [
        each for each in story.seen.since(Web, since)
        if each.method == "POST" and each.side == "japan" and each.proxy == "nginx-b" and each.name in story.names_of(plan, 1)])
    world.lines["agent-b"].is_cut = False


SABOTAGES = {
    "proxy": Sabotage(kill_balancer, FAILED, (), "a load balancer was killed for a second"),
    "route": Sabotage(route_by_hand, WRONG, (), "one proxy sent one customer to aws by a rule of its own"),
    "copy": Sabotage(lose_a_write, LOST, (), "the copy left one write behind"),
    "twice": Sabotage(send_again, TWICE, (), "a write that was answered was sent once more"),
    "dns": Sabotage(publish_wrong_address, ANSWERED, (WRONG, FAILED, LOST), "one exception had the old balancer's address"),
    "dnssec": Sabotage(keep_key, ANSWERED, (), "the DS stayed when the delegation went to a server that doesn't sign"),
    "signup": Sabotage(close_signups, SIGNED_UP, (), "signups went to a location that takes none"),
    "fence": Sabotage(go_on_without_waiting, WRONG, (LOST, FAILED),
                      "an agent that was cut off was evicted while its proxy went on, and nobody waited for a safe freeze"),
}
