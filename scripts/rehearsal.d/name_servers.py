"""The name servers of the rehearsal, and what operators do with them.

- com.: BIND, signed by itself; the resolver has its key, as others have the root's.
- The old server: BIND, not signed, its zone a file that somebody edits.
- The new one: Knot, which signs by itself and takes dynamic updates.
- The visitors' resolver: unbound, which validates and keeps what it has heard for as long as TTLs say.

How a delegation moves from a server that doesn't sign to one that does, and back, without an answer that a validating resolver
has to throw away (RFC 6781, 4.3.2 and 4.3.5):

- to the new server: it has the whole zone, signed, before anybody is sent to it; both servers say the new name servers, for a
  resolver believes the zone's own NS more than the parent's and would never leave an old server that goes on naming itself; the
  parent's NS and glue change; the DS comes last, when no cache has an NS or an unsigned record of the old server's any more;
- back: the DS goes first, and only when no cache has it any more the NS change.

Nothing waits for a guess: what waits for caches waits for the longest TTL that was served before.
"""
import json
import pathlib
import re
import signal
import subprocess
import time
import urllib.request

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rdatatype
import dns.zone

from addresses import NEW, OLD, PARENT, RESOLVER, ZONE

CONF = pathlib.Path(__file__).resolve().parent / "conf"
# In seconds, where a real zone has a day or an hour, and five minutes or one.
HIGH, LOW = 6, 2
# Of negative answers, and of the NSEC records of the server that signs: the SOA says it.
DENIAL_TTL = 2
# Of the NS and the DS in com.: nobody but com. can lower them.
PARENT_TTL = 2
# Types that a signing server adds.
OF_DNSSEC = {dns.rdatatype.from_text(each) for each in ("RRSIG", "NSEC", "DNSKEY", "CDS", "CDNSKEY", "NSEC3", "NSEC3PARAM")}


def base_zone(server, ttl):
    """What operators keep by hand: everything but the tenants' names. `server` is whom it names: "old" or "new"."""
    return f"""$ORIGIN {ZONE}.
$TTL {ttl}
@ IN SOA ns-{server} hostmaster 1 3600 600 86400 {DENIAL_TTL}
@ IN NS ns-{server}
ns-old IN A {OLD}
ns-new IN A {NEW}
@ IN MX 10 mail
@ IN TXT "v=spf1 mx -all"
mail IN A 192.0.2.25
_dmarc IN TXT "v=DMARC1; p=reject"
"""


ADDRESSES = {"old": OLD, "new": NEW}


def revision(done):
    """What the command line says that it has written."""
    return int(re.search(r"through revision (\d+)", done.stderr)[1])


class NameServers:
    def __init__(self, ground):
        self.ground, self.old = ground, None
        self.folders = {name: ground.folder / name for name in ("parent", "old", "new", "resolver")}
        for folder in self.folders.values():
            folder.mkdir()

    # Their processes.

    def start_named(self, name):
        conf = CONF / {"parent": "parent.conf", "old": "old-dns.conf"}[name]
        return self.ground.start(name, name, ["/usr/sbin/named", "-g", "-c", conf], {}, as_self=True)

    def start_parent(self):
        (self.folders["parent"] / "com.zone").write_text(f"""$ORIGIN com.
$TTL {PARENT_TTL}
@ IN SOA ns.com. hostmaster.com. 1 3600 600 86400 {PARENT_TTL}
@ IN NS ns.com.
ns.com. IN A {PARENT}
{ZONE}. IN NS ns-old.{ZONE}.
ns-old.{ZONE}. IN A {OLD}
""")
        self.start_named("parent")
        self.ground.wait("a signed com.", lambda: self.records(PARENT, "com.", "DNSKEY", dnssec=True) and any(
            rrset.rdtype == dns.rdatatype.RRSIG for rrset in self.ask(PARENT, "com.", "SOA", dnssec=True).answer))
        keys = [each.to_text() for each in self.records(PARENT, "com.", "DNSKEY")]
        (self.folders["resolver"] / "trust.conf").write_text("".join(f'trust-anchor: "com. DNSKEY {key}"\n' for key in keys))

    def start_old(self):
        """With its zone file, which must be there."""
        self.old = self.start_named("old")
        self.ground.wait("the old name server", lambda: self.records(OLD, ZONE, "SOA"))

    def start_new(self):
        self.ground.start("new", "new", ["/usr/sbin/knotd", "-c", CONF / "new-dns.conf"], {}, as_self=True)
        self.ground.wait("the new name server, signed", lambda: self.records(NEW, ZONE, "DNSKEY"))

    def start_resolver(self):
        self.ground.start("resolver", "resolver", ["/usr/sbin/unbound", "-c", CONF / "resolver.conf"], {}, as_self=True)
        self.ground.wait("the resolver", lambda: self.records(RESOLVER, ZONE, "SOA"))

    # Questions.

    def ask(self, server, name, kind, dnssec=False):
        query = dns.message.make_query(name, kind, want_dnssec=dnssec)
        query.flags |= dns.flags.AD
        return dns.query.udp(query, server, timeout=0.5)

    def records(self, server, name, kind, dnssec=False):
        """Of one type; empty where there are none, and where nobody answers."""
        try:
            answer = self.ask(server, name, kind, dnssec).answer
        except (OSError, dns.exception.DNSException):
            return []
        return [each for rrset in answer if rrset.rdtype == dns.rdatatype.from_text(kind) for each in rrset]

    def is_validated(self, name):
        try:
            return bool(self.ask(RESOLVER, name, "A").flags & dns.flags.AD)
        except (OSError, dns.exception.DNSException):
            return False

    def zone(self, server):
        """All that a server has, by AXFR, without what signing adds: name, type, TTL and data of each record, and not the SOA,
        whose serial is each server's own."""
        found = dns.zone.from_xfr(dns.query.xfr(server, ZONE, timeout=5, relativize=False), relativize=False)
        return {(name.to_text(), dns.rdatatype.to_text(data.rdtype), ttl, data.to_text())
                for name, ttl, data in found.iterate_rdatas()
                if data.rdtype not in OF_DNSSEC and data.rdtype != dns.rdatatype.SOA}

    def count_of_old(self):
        """How many questions the old server has answered."""
        with urllib.request.urlopen(f"http://{OLD}:8053/json/v1/server", timeout=5) as answer:
            return json.load(answer)["opcodes"]["QUERY"]

    # What operators do.

    def publish(self, world, server, zone):
        """Has a server serve what the registry says of a zone, which the command line's words name.

        The old server, and the new one at its beginning, has a file of the whole zone; later the new one is told what differs.
        - Returns: the revision that it's of.
        """
        file = self.folders[server] / f"{ZONE}.zone"
        if server == "new" and file.exists():
            served = self.folders["new"] / "served.zone"
            served.write_text(subprocess.run(["/usr/bin/dig", "+onesoa", "AXFR", ZONE, f"@{NEW}"], check=True, capture_output=True,
                                             text=True).stdout)
            differs = world.registry_words("dns", "diff", *zone, "--nsupdate", served, *world.former)
            if differs.stdout:
                self.update(NEW, differs.stdout)
            return revision(differs)
        exported = world.registry_words("dns", "export", *zone, file)
        self.load(server, file.read_text())
        return revision(exported)

    def check(self, world, server, zone):
        """- Returns: a line for each difference between what a server answers and what the registry says."""
        checked = world.registry_words("dns", "check", *zone, "--dns-server", f"{ADDRESSES[server]}:53", codes=(0, 1))
        return checked.stdout.splitlines()

    def load(self, server, text):
        """Waits until a server serves its zone file, which is a new one."""
        wanted = dns.zone.from_text(text, ZONE, relativize=False)
        records = {(name.to_text(), dns.rdatatype.to_text(data.rdtype), ttl, data.to_text())
                   for name, ttl, data in wanted.iterate_rdatas() if data.rdtype != dns.rdatatype.SOA}
        if server == "new":
            self.start_new()
        elif not self.old:
            self.start_old()
        else:
            # As its operators do: by hand.
            self.old.send_signal(signal.SIGHUP)
        self.ground.wait(f"the {server} name server with its zone", lambda: self.zone(ADDRESSES[server]) == records)

    def update(self, server, words):
        """Dynamic update, in nsupdate's words."""
        done = subprocess.run(["/usr/bin/nsupdate", "-v"], input=f"server {server} 53\n{words}", capture_output=True, text=True,
                              timeout=30)
        if done.returncode != 0:
            raise SystemExit(f"nsupdate: {done.stdout}{done.stderr}")

    def delegate(self, server):
        """The parent's NS and glue, in one message."""
        address, other = ADDRESSES[server], {"old": "new", "new": "old"}[server]
        self.update(PARENT, f"""zone com.
update delete {ZONE}. NS
update delete ns-{other}.{ZONE}. A
update add {ZONE}. {PARENT_TTL} NS ns-{server}.{ZONE}.
update add ns-{server}.{ZONE}. {PARENT_TTL} A {address}
send
""")

    def publish_key(self):
        """The DS of the new server's key, at the parent."""
        text = subprocess.run(["/usr/sbin/keymgr", "-c", CONF / "new-dns.conf", f"{ZONE}.", "ds"], cwd=self.folders["new"],
                              check=True, capture_output=True, text=True).stdout
        lines = [line.split(" DS ")[1] for line in text.splitlines() if " DS " in line and line.split()[4] == "2"]
        assert len(lines) == 1, text
        self.update(PARENT, f"zone com.\nupdate add {ZONE}. {PARENT_TTL} DS {lines[0]}\nsend\n")

    def withdraw_key(self):
        self.update(PARENT, f"zone com.\nupdate delete {ZONE}. DS\nsend\n")

    def wait_for_caches(self, seconds):
        """Until nobody's cache has any more what was served before now. Resolvers count whole seconds."""
        until = time.monotonic() + seconds + 1
        self.ground.wait(f"{seconds} s of TTL", lambda: time.monotonic() > until)
