import Foundation
import Testing

/// Answers proxies as a registry that nobody wants to meet: with the status that the host begins with, and
/// words that aren't for visitors. It remembers what it was asked.
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
            import http.server, sys
            class Stub(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    with open(sys.argv[2], "a") as log:
                        log.write(self.requestline + "\\n" + "".join(f"{k}: {v}\\n" for k, v in self.headers.items()) + "\\n")
                    status = int((self.path.partition("host=")[2] or self.headers["X-Forwarded-Host"] or self.headers["Host"])[:3])
                    self.send_response(status)
                    body = b"the registry's own words" if status != 304 else b""
                    if status == 200:
                        self.send_header("X-Tenant-Location", "japan")
                        self.send_header("X-Tenant-Mode", "serve")
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
            ["-c", program, "\(port)", folder.file("asked").path], outputs: folder.url,
            endsBy: SIGTERM)
    }

    /// Lines of the head of each request.
    var requests: [[String]] {
        let text = (try? String(contentsOf: folder.file("asked"), encoding: .utf8)) ?? ""
        return text.components(separatedBy: "\n\n").map {
            $0.split(separator: "\n").map(String.init)
        }.filter { !$0.isEmpty }
    }

    func stop() async throws {
        process.signal(SIGTERM)
        try await process.waitForExit()
    }
}
