import Foundation
import NIOCore
import Testing

/// Two applications that write down who asked them for what, in nginx: japan and aws.
final class RecordingBackends: Sendable {
    let japan: Int
    let aws: Int
    private let folder: TestFolder
    private let process: ChildProcess

    static func start() async throws -> RecordingBackends {
        let folder = try TestFolder()
        let (japan, aws) = (
            try await EdgeHAProxy.freePort(folder), try await EdgeHAProxy.freePort(folder)
        )
        let servers = [("japan", japan), ("aws", aws)].map { name, port in
            """
                server {
                    listen 127.0.0.1:\(port);
                    access_log \(folder.file("\(name).log").path) told;
                    default_type text/plain;
                    return 200 "\(name)";
                }
            """
        }
        _ = try folder.write(
            EdgeNginx.configuration(
                folder,
                "    log_format told '$request_method $host';\n"
                    + servers.joined(separator: "\n")), to: "nginx.conf")
        return RecordingBackends(
            folder, try EdgeNginx.process(folder), japan: japan, aws: aws)
    }

    private init(_ folder: TestFolder, _ process: ChildProcess, japan: Int, aws: Int) {
        self.folder = folder
        self.process = process
        self.japan = japan
        self.aws = aws
    }

    deinit { process.signal(SIGTERM) }

    struct Told: Sendable, Equatable {
        var reads = 0
        var writes = 0
    }

    /// What a side has been asked so far, for hosts of the wave.
    func told(_ side: String) throws -> Told {
        let lines = try String(contentsOf: folder.file("\(side).log"), encoding: .utf8)
            .split(separator: "\n")
        let wave = lines.filter { !$0.contains("stays") }
        let writes = wave.count { $0.hasPrefix("POST") }
        return Told(reads: wave.count - writes, writes: writes)
    }
}

/// Real nginx with `deploy/nginx/agent.conf`, before an agent.
final class EdgeNginx: Sendable {
    let port: Int
    private let process: ChildProcess

    static func start(agent: Int, _ backends: RecordingBackends) async throws -> EdgeNginx {
        let folder = try TestFolder()
        let port = try await EdgeHAProxy.freePort(folder)
        let gate = try await EdgeHAProxy.freePort(folder)
        let source = NginxProcess.repository.appendingPathComponent("deploy/nginx/agent.conf")
        var text = try String(contentsOf: source, encoding: .utf8)
        text = text.replacing(
            "unix:/run/tenant-registry-agent/agent.sock;", with: "127.0.0.1:\(agent);")
        for (from, to) in [
            (8000, port), (8001, gate), (9001, backends.japan), (9002, backends.aws),
        ] { text = text.replacing("127.0.0.1:\(from);", with: "127.0.0.1:\(to);") }
        _ = try folder.write(text, to: "agent.conf")
        _ = try folder.write(
            configuration(folder, "    access_log off;\n    include agent.conf;\n"),
            to: "nginx.conf")
        let nginx = EdgeNginx(try process(folder), port, folder)
        _ = try await poll("nginx listens: \(nginx.process.errors)") {
            try? await EdgeVisit.ask("nobody.example.com", .GET, at: nginx.port)
        }
        return nginx
    }

    private let folder: TestFolder

    private init(_ process: ChildProcess, _ port: Int, _ folder: TestFolder) {
        self.process = process
        self.port = port
        self.folder = folder
    }

    deinit { process.signal(SIGTERM) }

    static func configuration(_ folder: TestFolder, _ inner: String) -> String {
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map {
            "    \($0)_temp_path \(folder.file($0).path);\n"
        }
        return """
            daemon off;
            worker_processes 1;
            pid \(folder.file("nginx.pid").path);
            error_log stderr warn;
            events { worker_connections 1024; }
            http {
            \(temporary.joined())\(inner)
            }

            """
    }

    /// - Parameter program: what `env` starts.
    static func process(_ folder: TestFolder, program: String = "nginx") throws -> ChildProcess {
        try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"),
            [program, "-e", "stderr", "-p", folder.url.path, "-c", "nginx.conf"],
            outputs: folder.url, endsBy: SIGTERM)
    }
}
