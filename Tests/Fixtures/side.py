"""A side that proxies send visitors to: says who it is and what it was told.

side.py NAME PORT [NAME PORT ...]

Text, a line each: side, location and mode as it was told; Host; X-Forwarded-Host and revision; what should never come
through; and the request as JSON. Fields are read as CGI does, for which X_A and X.A are X-A.

/slow sends its answer piece by piece for some 17 seconds. A request for a WebSocket becomes one that sends back what it
gets. Any other upgrade is answered as if it weren't one.
"""
import asyncio
import base64
import hashlib
import json
import re
import sys

LEAKS = ("X_ORIGINAL_HOST", "FORWARDED", "X_TENANT_UPSTREAM", "X_TENANT_FENCED", "X_TENANT_OTHER")


def cgi(name):
    return re.sub("[^A-Z0-9]", "_", name.upper())


async def read_body(reader, fields):
    if "chunked" in fields.get("TRANSFER_ENCODING", ""):
        count = 0
        while True:
            size = int((await reader.readline()).split(b";")[0], 16)
            await reader.readexactly(size + 2)
            count += size
            if size == 0:
                return count
    length = int(fields.get("CONTENT_LENGTH", 0))
    await reader.readexactly(length)
    return length


def page(side, method, path, headers, fields, body):
    get = lambda name: fields.get(name, "")
    leaks = "".join(get(name) for name in LEAKS)
    told = json.dumps({"method": method, "path": path, "headers": headers, "body": body})
    return "\n".join([
        f"{side} {get('X_TENANT_LOCATION')} {get('X_TENANT_MODE')}", get("HOST"),
        f"{get('X_FORWARDED_HOST')} {get('X_TENANT_REVISION')}", leaks + get("UPGRADE"), told]).encode("latin-1", "replace")


async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def serve(side, reader, writer):
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ", 2)
        headers = [[name, value.strip()] for name, _, value in (line.partition(":") for line in head[1:] if line)]
        fields = {}
        for name, value in headers:
            fields[cgi(name)] = f"{fields[cgi(name)]}, {value}" if cgi(name) in fields else value
        body = await read_body(reader, fields)
        if fields.get("UPGRADE", "").lower() == "websocket" and "upgrade" in fields.get("CONNECTION", "").lower():
            key = fields.get("SEC_WEBSOCKET_KEY", "") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
            accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
            writer.write((f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          f"Sec-WebSocket-Accept: {accept}\r\nX-Side: {side}\r\n\r\n").encode())
            return await echo(reader, writer)
        text = page(side, method, path, headers, fields, body)
        if path.startswith("/slow"):
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Side: {side}\r\nContent-Length: 34\r\n\r\n".encode())
            for _ in range(34):
                writer.write(b".")
                await writer.drain()
                await asyncio.sleep(0.5)
            continue
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Side: {side}\r\nContent-Length: {len(text)}\r\n\r\n".encode())
        if method != "HEAD":
            writer.write(text)
        await writer.drain()


async def connection(side, reader, writer):
    try:
        await serve(side, reader, writer)
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main(arguments):
    servers = [
        await asyncio.start_server(
            lambda reader, writer, side=side: connection(side, reader, writer), "127.0.0.1", int(port), limit=1 << 20)
        for side, port in zip(arguments[::2], arguments[1::2])]
    await asyncio.gather(*(server.serve_forever() for server in servers))


asyncio.run(main(sys.argv[1:]))
