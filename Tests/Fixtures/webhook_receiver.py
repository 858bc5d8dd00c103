"""A receiver of webhooks, for tests: it verifies as docs/webhooks.md says, with the code that stands there, and answers as
the test wants it.

usage: webhook_receiver.py FOLDER DOCUMENT [CERTIFICATE KEY]

FOLDER/mode has what it does: ok; fail; gone; redirect; busy SECONDS; drop (no answer); wait (until the mode is another one);
drip STATUS (an answer that has no end).
FOLDER/secret has the secret. Each request is a line of JSON in FOLDER/deliveries, before it's answered, and again when it has been answered 2xx.
"""
import http.server
import json
import pathlib
import re
import ssl
import sys
import threading
import time

folder, document = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
code = next(block for block in re.findall(r"```python\n(.*?)```", document.read_text(), re.S) if "def verify" in block)
namespace = {}
exec(code, namespace)
lock = threading.Lock()


def mode():
    return (folder / "mode").read_text().strip()


def note(line):
    with lock, open(folder / "deliveries", "a") as log:
        log.write(json.dumps(line) + "\n")


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            namespace["verify"]((folder / "secret").read_text().strip(), headers, body)
            verified = True
        except ValueError:
            verified = False
        wanted = mode()
        line = {"id": headers["webhook-id"], "verified": verified, "path": self.path, "host": headers["host"],
                "event": json.loads(body), "taken": False}
        note(line)
        while wanted == "wait":
            time.sleep(0.01)
            wanted = mode()
        if wanted == "drop":
            self.close_connection = True
            return
        word, _, value = wanted.partition(" ")
        if word == "drip":
            self.drip(int(value), line)
            return
        status = {"ok": 204, "fail": 500, "gone": 410, "redirect": 307, "busy": 503}[word]
        if status == 204:
            note(line | {"taken": True})
        self.send_response(status)
        if word == "redirect":
            self.send_header("Location", "/elsewhere")
        if word == "busy":
            self.send_header("Retry-After", value)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def drip(self, status, line):
        """A byte now and then, so that nobody can say that nothing comes, until the other side has enough."""
        if status == 200:
            note(line | {"taken": True})
        self.send_response(status)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"1\r\n.\r\n")
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            self.close_connection = True

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3], sys.argv[4])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
