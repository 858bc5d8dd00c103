"""The visitors, one for each customer, and those who sign up: a process of its own, for they are hundreds.

    visitors.py SETTINGS.json      until its standard input ends

A visitor resolves its customer's name by the resolver, keeps the answer for as long as its TTL says and no longer, and sends
a request to that address on a connection that stays, after a pause of random length; one of five is a write with a number of its
own. A write that is answered 503 with Retry-After is sent again, with the same number, until it's taken. A signup holds a name,
has its place made ready where the registry says, activates it, and hands it to a visitor of its own when every proxy knows it.

What they saw goes to standard output: records.py says what.
"""
import asyncio
import json
import os
import random
import sys
import time

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

sys.dont_write_bytecode = True
from records import Dns, Signup, Web, line  # noqa: E402

# A fifth of all requests, as in the demo.
WRITES = 0.2
# nginx says Retry-After: 30, and hours are seconds here.
RETRY_AFTER = 0.25
# A browser's patience, in seconds, for an answer of each kind. As stub resolvers do, it asks DNS more than once: a datagram may
# be lost, and unbound says nothing to whoever would wait for more than its discard-timeout, 1.9 s.
DNS_PATIENCE, DNS_ATTEMPTS, WEB_PATIENCE = 2.5, 4, 10


class Resolver(asyncio.DatagramProtocol):
    """Asks one recursive resolver for addresses."""

    def __init__(self, note):
        self.note, self.waiting = note, {}

    @classmethod
    async def open(cls, address, note):
        _, resolver = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: cls(note), remote_addr=(address, 53))
        return resolver

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, _):
        waits = self.waiting.pop(data[:2], None)
        if waits and not waits.done():
            waits.set_result(data)

    def error_received(self, _):
        """Nobody listens: the one who waits finds out by waiting."""

    async def address(self, name):
        """- Returns: an address and when it ends, by the monotonic clock; None where there is no answer to go by."""
        first = time.time()
        for _ in range(DNS_ATTEMPTS):
            asked, data = time.time(), await self.ask(name)
            if data:
                break
        else:
            self.note(Dns(first, time.time(), name, "no-answer", None, 0, False))
            return None
        answer, answered = dns.message.from_wire(data), time.time()
        found = [(each.address, rrset.ttl) for rrset in answer.answer if rrset.rdtype == dns.rdatatype.A for each in rrset]
        address, ttl = found[0] if len(found) == 1 else (None, 0)
        self.note(Dns(asked, answered, name, dns.rcode.to_text(answer.rcode()), address or [each for each, _ in found], ttl,
                      bool(answer.flags & dns.flags.AD)))
        return (address, time.monotonic() + ttl) if address else None

    async def ask(self, name):
        """One question. - Returns: None where nothing comes in time."""
        query = dns.message.make_query(name, "A", flags=dns.flags.RD | dns.flags.AD)
        while (key := query.to_wire()[:2]) in self.waiting:
            query.id = random.randrange(65536)
        waits = self.waiting[key] = asyncio.get_running_loop().create_future()
        self.transport.sendto(query.to_wire())
        try:
            return await asyncio.wait_for(waits, DNS_PATIENCE)
        except asyncio.TimeoutError:
            self.waiting.pop(key, None)
            return None


class Connection(asyncio.Protocol):
    """One connection on which requests follow one another; what isn't HTTP/1.1 with a length is a failure."""

    def __init__(self):
        self.data, self.waits, self.is_open = b"", None, True

    @classmethod
    async def open(cls, address, port):
        _, connection = await asyncio.get_running_loop().create_connection(cls, address, port)
        return connection

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.data += data
        end = self.data.find(b"\r\n\r\n")
        if end < 0 or not self.waits:
            return
        first, *lines = self.data[:end].decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        size = int(fields.get("content-length", "0"))
        if len(self.data) < end + 4 + size:
            return
        body, self.data = self.data[end + 4:end + 4 + size], b""
        if fields.get("connection") == "close":
            self.is_open = False
            self.transport.close()
        if not self.waits.done():
            self.waits.set_result((int(first.split(" ")[1]), fields, body.decode()))

    def connection_lost(self, error):
        self.is_open = False
        if self.waits and not self.waits.done():
            self.waits.set_exception(ConnectionResetError(str(error or "closed before an answer")))

    async def ask(self, method, path, host, body="", **fields):
        """- Returns: status, fields, body. Raises OSError where there is no answer."""
        self.waits = asyncio.get_running_loop().create_future()
        more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
        self.transport.write(
            f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n{more}\r\n{body}".encode())
        try:
            return await asyncio.wait_for(self.waits, WEB_PATIENCE)
        except asyncio.TimeoutError:
            raise OSError("no answer in time") from None

    def close(self):
        self.is_open = False
        self.transport.close()


class Server:
    """A server that is asked over one connection, which is made anew when it's gone."""

    def __init__(self, address, port):
        self.address, self.port, self.connection, self.lock = address, port, None, asyncio.Lock()

    async def ask(self, method, path, body="", **fields):
        async with self.lock:
            if not self.connection or not self.connection.is_open:
                self.connection = await Connection.open(self.address, self.port)
            try:
                return await self.connection.ask(method, path, self.address, body, **fields)
            except OSError:
                self.connection.close()
                raise


class Visitor:
    def __init__(self, party, name):
        self.party, self.name, self.number = party, name, 0
        self.known, self.connection, self.connected_to = None, None, None

    async def live(self):
        while not self.party.is_over:
            await asyncio.sleep(random.uniform(0.5, 1.5) / self.party.rate)
            if self.party.is_over:
                return
            if random.random() < WRITES:
                self.number += 1
                await self.write(f"{self.name}#{self.number}")
            else:
                await self.visit("GET", "-")

    async def write(self, key):
        while await self.visit("POST", key) == 503 and not self.party.is_ended:
            await asyncio.sleep(RETRY_AFTER)

    async def visit(self, method, key):
        if not self.known or self.known[1] <= time.monotonic():
            self.known = await self.party.resolver.address(self.name)
            if not self.known:
                # Whoever would write tries again: it's counted as a failure of DNS, and no write is lost by it.
                return 503
        address = self.known[0]
        begun = time.time()
        status, side, mode, proxy = 0, "", "", ""
        try:
            if self.connected_to != address or not self.connection.is_open:
                if self.connection:
                    self.connection.close()
                self.connection = await Connection.open(address, 80)
                self.connected_to = address
            status, fields, body = await self.connection.ask(
                method, "/", self.name, key if method == "POST" else "")
            proxy = fields.get("x-served-by", "")
            if status == 200 or status == 404 and body.count(" ") == 1:
                side, mode = body.split()
            elif status == 503 and "retry-after" not in fields:
                status = 500
        except OSError as error:
            side = str(error)
            if self.connection:
                self.connection.close()
            self.connected_to = None
        self.party.note(Web(begun, time.time(), self.name, method, key, address, status, side, mode, proxy))
        return status


class Signups:
    """One after another, as long as the party goes on."""

    def __init__(self, party, settings):
        self.party, self.every = party, settings["signup_every"]
        self.registry = Server(*settings["registry"])
        self.places = {place: Server(address, 9001) for place, address in settings["places"].items()}
        self.fields = {"Authorization": f"Bearer {settings['token']}", "Content_Type": "application/json"}
        self.zone, self.number, self.tasks = settings["zone"], 0, set()

    async def live(self):
        while not self.party.is_over:
            await asyncio.sleep(random.uniform(0.5, 1.5) * self.every)
            if self.party.is_over:
                break
            self.number += 1
            task = asyncio.create_task(self.sign_up(f"new{self.number:03d}"))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        await asyncio.gather(*self.tasks)

    async def call(self, method, path, body=None, status=200, key=None):
        fields = self.fields | ({"Idempotency_Key": key} if key else {})
        got, _, text = await self.registry.ask(method, path, "" if body is None else json.dumps(body), **fields)
        if got != status:
            raise OSError(f"{method} {path}: {got} {text[:200]}")
        return json.loads(text)

    async def sign_up(self, label):
        name = f"{label}.{self.zone}"
        begun, held, location, activated, revision, told, trouble = time.time(), 0, None, 0, 0, 0, None
        try:
            hold = await self.call("POST", "/v1/domains", {"fqdn": name, "tenant": label, "hold_seconds": 60}, 201, f"{label}-hold")
            held, location = time.time(), hold["location"]
            await self.provision(location, name)
            live = await self.call("POST", f"/v1/domains/{name}/activate", key=f"{label}-activate")
            activated, revision = time.time(), live["revision"]
            if live["location"] != location:
                raise OSError(f"held in {location}, activated in {live['location']}")
            # The customer is told when no proxy says any more that nobody lives there.
            while (await self.call("GET", f"/v1/convergence?revision={revision}&wait=5"))["lagging"]:
                pass
            told = time.time()
            self.party.welcome(name)
        except OSError as error:
            trouble = str(error)
        self.party.note(Signup(begun, held, name, location, activated, revision, told, trouble))

    async def provision(self, location, name):
        status, _, _ = await self.places[location].ask("PUT", f"/customers/{name}")
        if status != 200:
            raise OSError(f"{location} doesn't make {name} ready: {status}")


class Party:
    """Everybody, from the first visit to the last."""

    def __init__(self, settings):
        self.settings, self.rate = settings, settings["rate"]
        self.is_over = self.is_ended = False
        self.visitors, self.lines = [], []

    def note(self, record):
        self.lines.append(line(record))

    def write_notes(self):
        if self.lines:
            os.write(1, ("\n".join(self.lines) + "\n").encode())
            self.lines = []

    def welcome(self, name):
        self.visitors.append(asyncio.create_task(Visitor(self, name).live()))

    async def keep_notes(self):
        while True:
            self.write_notes()
            await asyncio.sleep(0.1)

    async def go(self):
        self.resolver = await Resolver.open(self.settings["resolver"], self.note)
        notes = asyncio.create_task(self.keep_notes())
        for name in self.settings["names"]:
            self.welcome(name)
        signups = asyncio.create_task(Signups(self, self.settings).live())
        # Whoever has started this closes it when the story is over.
        stdin = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
        await stdin.read()
        self.is_over = True
        await signups
        # A write that isn't taken yet ends when it's taken, or is found never to have been.
        await asyncio.wait(self.visitors, timeout=20)
        self.is_ended = True
        await asyncio.gather(*self.visitors)
        notes.cancel()
        self.write_notes()


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        asyncio.run(Party(json.load(file)).go())
