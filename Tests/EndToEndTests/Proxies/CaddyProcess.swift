import Foundation
import Testing

/// Real Caddy with the Caddyfile for its release, and two sides behind it.
final class CaddyProcess: AskingProxy {
    static let refusedField: String? = nil

    let visitor: Visitor
    private let program: String
    private let token: String
    private let folder: TestFolder
    private let sides: Sides
    private let process: ChildProcess

    /// - Parameter port: of whoever answers as the registry.
    static func start(before port: Int, token: String) async throws -> CaddyProcess {
        try await start(before: port, token: token, .debian)
    }

    static func start(
        before port: Int, token: String, _ release: ProxyRelease
    ) async throws -> CaddyProcess {
        let folder = try TestFolder()
        let program = try await release.program("caddy", folder)
        // Older releases have a gate of their own.
        let sides = try await Sides.start(in: folder, spare: release == .debian ? 2 : 1)
        try write(folder, release, sides, registry: port)
        return try await CaddyProcess(program, folder, sides, token: token).ready()
    }

    private static func write(
        _ folder: TestFolder, _ release: ProxyRelease, _ sides: Sides, registry: Int
    ) throws {
        let gate = sides.spare.dropFirst().first.map { gate in
            [("127.0.0.1:8001", "127.0.0.1:\(gate)"), (":8001 {", "http://:\(gate) {")]
        }
        let text = try Repository.configuration(
            release == .debian ? "deploy/caddy/Caddyfile-2.6" : "deploy/caddy/Caddyfile",
            (gate ?? []) + [
                ("127.0.0.1:8080", "127.0.0.1:\(registry)"),
                (":8000 {", "http://:\(sides.spare[0]) {\n\tbind 127.0.0.1"),
                ("127.0.0.1:9001", "127.0.0.1:\(sides.japan)"),
                ("127.0.0.1:9002", "127.0.0.1:\(sides.aws)"),
            ])
        _ = try folder.write(text, to: "Caddyfile")
    }

    private init(
        _ program: String, _ folder: TestFolder, _ sides: Sides, token: String
    ) throws {
        self.program = program
        self.token = token
        self.folder = folder
        self.sides = sides
        visitor = Visitor(port: sides.spare[0])
        process = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"),
            [
                program, "run", "--config", folder.file("Caddyfile").path, "--adapter", "caddyfile",
            ],
            outputs: folder.url,
            environment: [
                "TENANT_REGISTRY_TOKEN": token, "HOME": folder.url.path,
                "XDG_DATA_HOME": folder.file("data").path,
                "XDG_CONFIG_HOME": folder.file("config").path,
            ], endsBy: SIGTERM)
    }

    private func ready() async throws -> CaddyProcess {
        // Visitors may come in before the gate is open.
        for port in sides.spare {
            _ = try await poll("caddy listening: \(process.errors)") {
                BlockingConnection(port: port)
            }
        }
        return self
    }

    func restarted() async throws -> CaddyProcess {
        try await stop()
        return try await CaddyProcess(program, folder, sides, token: token).ready()
    }

    func stop() async throws {
        process.signal(SIGTERM)
        try await process.waitForExit()
    }
}
