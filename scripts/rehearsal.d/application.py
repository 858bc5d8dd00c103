"""The application of one place, a process of its own: answers visitors, takes their writes, and notes each one that it took.

    application.py PLACE ADDRESS LOG      visitors come to ADDRESS:9000, whoever copies data to ADDRESS:9001

A visitor is answered `PLACE MODE`, the mode being what the proxy said in X-Tenant-Mode, or 404 where the customer has nothing
here. LOG has a line for each thing that happened, in order: `made NAME`, `taken NAME ID TIME`, `copied NAME ID TIME`, `removed
NAME`; the judge reads nothing else of an application's.
"""
import asyncio
import os
import sys
import time

VISITORS, COPIERS = 9000, 9001
LENGTH = b"content-length:"


class Place:
    """What the customers of one place have there."""

    def __init__(self, name, log):
        self.name = name
        self.writes = {}
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def note(self, text):
        os.write(self.log, f"{text}\n".encode())

    def make(self, customer):
        if customer not in self.writes:
            self.writes[customer] = []
            self.note(f"made {customer}")

    def take(self, customer, body, moment):
        self.writes[customer].append((body, moment))
        self.note(f"taken {customer} {body} {moment:.6f}")

    def copy(self, customer, lines):
        self.make(customer)
        for line in lines:
            body, moment = line.split()
            self.writes[customer].append((body, float(moment)))
            self.note(f"copied {customer} {body} {moment}")

    def remove(self, customer):
        if self.writes.pop(customer, None) is not None:
            self.note(f"removed {customer}")


class Requests(asyncio.Protocol):
    """HTTP/1.1 as proxies speak it: no chunks, one request after another on a connection that stays."""

    def __init__(self, place, answer):
        self.place, self.answer, self.data = place, answer, b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            head = self.data[:end]
            size, host, mode = 0, "", "-"
            first, *fields = head.split(b"\r\n")
            for field in fields:
                low = field.lower()
                if low.startswith(LENGTH):
                    size = int(low[len(LENGTH):])
                elif low.startswith(b"host:"):
                    host = low[5:].strip().split(b":")[0].decode()
                elif low.startswith(b"x-tenant-mode:"):
                    mode = low[14:].strip().decode()
            if len(self.data) < end + 4 + size:
                return
            body = self.data[end + 4:end + 4 + size].decode()
            self.data = self.data[end + 4 + size:]
            method, path, _ = first.decode().split(" ", 2)
            status, text = self.answer(self.place, method, path, host, mode, body)
            self.transport.write(
                f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())


def answer_visitor(place, method, path, host, mode, body):
    if host not in place.writes:
        return "404 Not Found", f"{place.name} {mode}\n"
    if method == "POST":
        place.take(host, body, time.time())
    return "200 OK", f"{place.name} {mode}\n"


def answer_copier(place, method, path, host, mode, body):
    """GET /customers, GET, PUT and DELETE /customers/NAME: its writes, an id and a time a line."""
    customer = path.removeprefix("/customers").lstrip("/")
    if method == "PUT":
        place.copy(customer, body.splitlines())
    elif method == "DELETE":
        place.remove(customer)
    elif not customer:
        return "200 OK", "".join(f"{each}\n" for each in sorted(place.writes))
    return "200 OK", "".join(f"{text} {moment:.6f}\n" for text, moment in place.writes.get(customer, []))


async def main(name, address, log):
    place = Place(name, log)
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(lambda answer=answer: Requests(place, answer), address, port, backlog=512)
               for port, answer in ((VISITORS, answer_visitor), (COPIERS, answer_copier))]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
