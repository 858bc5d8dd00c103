"""An application that takes no write of a customer who has moved: example.py PORT HERE ROUTES LIBRARY

A request may be on its way for as long as it likes: through a proxy that knew an older place, in a queue, in a transaction
that waits for a lock. The one moment that counts is the one before the commit. So that's when it looks, under whatever
makes its write one with the look, and refuses with 503: whoever sent it tries again, and lands where the customer is.
"""
import http.server
import sys
import threading

from tenantroutes import NotReady, Routes

port, here, path, library = sys.argv[1:]
routes = Routes(path, library)
rows: list[bytes] = []
commit = threading.Lock()


class Application(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with commit:
            try:
                route = routes.find(self.headers.get("Host", ""))
            except NotReady:
                return self.answer(503, b"not ready\n")
            if route is None or route.location != here or route.mode != "serve":
                return self.answer(503, f"not at {here}\n".encode())
            rows.append(body)
        self.answer(201, b"written\n")

    def do_GET(self):
        self.answer(200, b"%d rows\n" % len(rows))

    def answer(self, status, text):
        self.send_response(status)
        if status == 503:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Application).serve_forever()
