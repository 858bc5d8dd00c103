import Foundation
import Testing

/// Real HAProxy with `deploy/haproxy/haproxy.cfg`, and two sides behind it.
final class HAProxyProcess: FrontProxy {
    let visitor: Visitor
    let folder: TestFolder
    private let sides: Sides
    private let process: ChildProcess

    /// - Parameter modes: a map in the place of the registry's.
    static func start(
        before registry: ServerProcess, _ release: ProxyRelease, modes: String? = nil
    ) async throws -> HAProxyProcess {
        let folder = try TestFolder()
        let program = try await release.program("haproxy", folder)
        let sides = try await Sides.start(in: folder, spare: 1)
        try await writeMaps(of: registry, in: folder)
        if let modes { _ = try folder.write(modes, to: "mode.map") }
        let proxy = try HAProxyProcess(program, folder, sides)
        _ = try await poll("haproxy listening: \(proxy.process.errors)") {
            BlockingConnection(port: proxy.visitor.port)
        }
        return proxy
    }

    private init(_ program: String, _ folder: TestFolder, _ sides: Sides) throws {
        self.folder = folder
        self.sides = sides
        visitor = Visitor(port: sides.spare[0])
        let text = try Repository.configuration(
            "deploy/haproxy/haproxy.cfg",
            [
                ("127.0.0.1:8000", "127.0.0.1:\(visitor.port)"),
                ("127.0.0.1:9001", "127.0.0.1:\(sides.japan)"),
                ("127.0.0.1:9002", "127.0.0.1:\(sides.aws)"),
                ("/etc/haproxy/tenants", folder.url.path),
                ("/run/haproxy/admin.sock", folder.file("s").path),
            ])
        let file = try folder.write(text, to: "haproxy.cfg")
        process = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"), [program, "-W", "-db", "-f", file.path],
            outputs: folder.url, endsBy: SIGTERM)
    }

    /// As deploy/haproxy/README.md has it: each map is fetched beside its place, and renamed.
    static func writeMaps(of registry: ServerProcess, in folder: TestFolder) async throws {
        for value in ["location", "mode"] {
            let answer = try await registry.client.send(
                .GET, "/v1/export/haproxy-map", query: [("value", value)])
            let beside = try folder.write(String(buffer: answer.body), to: "\(value).map.new")
            try #require(rename(beside.path, folder.file("\(value).map").path) == 0)
        }
    }

    /// Takes the maps up anew.
    func reload() {
        process.signal(SIGUSR2)
    }

    func stop() async throws {
        process.signal(SIGTERM)
        try await process.waitForExit()
    }
}
