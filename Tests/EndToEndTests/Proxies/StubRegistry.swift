import Foundation
import Testing

/// Answers proxies as a registry that nobody wants to meet: with the status and, where one is named, the mode that the
/// host begins with (`200.read-only.example.com`; `none` is no mode), and words that aren't for visitors. Any
/// other host is nobody's, as the registry itself says it. It remembers what it was asked.
final class StubRegistry: Sendable {
    let port: Int
    private let folder: TestFolder
    private let process: ChildProcess

    static func start() async throws -> StubRegistry {
        let folder = try TestFolder()
        let port = try await Repository.script("free-ports", ["1"], folder)
        let stub = try StubRegistry(folder, #require(Int(port)))
        _ = try await poll("the stub listening: \(stub.process.errors)") {
            BlockingConnection(port: stub.port)
        }
        return stub
    }

    private init(_ folder: TestFolder, _ port: Int) throws {
        self.folder = folder
        self.port = port
        let program = """
            import http.server, os, sys, urllib.parse
            class Stub(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    with open(sys.argv[2], "a") as log:
                        log.write(self.requestline + "\\n" + "".join(f"{k}: {v}\\n" for k, v in self.headers.items()) + "\\n")
                    path, _, query = self.path.partition("?")
                    host = query.partition("host=")[2] or self.headers["X-Forwarded-Host"] or self.headers["Host"]
                    if os.path.exists(sys.argv[3]):
                        host = open(sys.argv[3]).read()
                    first, second = host.split(".")[:2]
                    if not first.isdigit() or int(first) < 200:
                        last = path.rpartition("/")[2]
                        asked = last if last.isdigit() else urllib.parse.parse_qs(query).get("unknown", ["404"])[0]
                        status = int(asked)
                        mode = "unknown"
                    else:
                        status = int(first)
                        mode = ("serve" if status == 200 else "none") if second == "example" else second
                    self.send_response(status)
                    body = b"the registry's own words" if status != 304 else b""
                    if mode != "unknown" and (status == 200 or mode != "none"):
                        self.send_header("X-Tenant-Location", "japan")
                    if mode != "none":
                        self.send_header("X-Tenant-Mode", mode.replace("-", "_"))
                    self.send_header("Cache-Control", "max-age=1")
                    if status == 401:
                        self.send_header("WWW-Authenticate", "Bearer realm=the-registry-s-own")
                    if status == 302:
                        self.send_header("Location", "http://the-registry-s-own.example")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
            http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Stub).serve_forever()
            """
        process = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/python3"),
            [
                "-c", program, "\(port)", folder.file("asked").path, folder.file("turned").path,
            ], outputs: folder.url,
            endsBy: SIGTERM)
    }

    /// Lines of the head of each request.
    var requests: [[String]] {
        let text = (try? String(contentsOf: folder.file("asked"), encoding: .utf8)) ?? ""
        return text.components(separatedBy: "\n\n").map {
            $0.split(separator: "\n").map(String.init)
        }.filter { !$0.isEmpty }
    }

    /// From now on it answers whatever it's asked as if it were asked for this host.
    func turn(to host: String) throws {
        let beside = try folder.write(host, to: "turned.new")
        try #require(rename(beside.path, folder.file("turned").path) == 0)
    }

    func stop() async throws {
        process.signal(SIGTERM)
        try await process.waitForExit()
    }
}
