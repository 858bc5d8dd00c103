import Foundation
import Testing

/// Real Envoy with `deploy/envoy/envoy.yaml`, and two sides behind it.
final class EnvoyProcess: AskingProxy {
    /// One that names fields of other proxies.
    static let refusedField: String? = "Connection"

    let visitor: Visitor
    private let program: String
    private let folder: TestFolder
    private let sides: Sides
    private let process: ChildProcess

    /// - Parameter port: of whoever answers as the registry.
    static func start(before port: Int, token: String) async throws -> EnvoyProcess {
        let folder = try TestFolder()
        let program = try await Repository.script("proxy", ["envoy"], folder)
        let sides = try await Sides.start(in: folder, spare: 1)
        try write(folder, sides, registry: port, token: token)
        return try await EnvoyProcess(program, folder, sides).ready()
    }

    private static func write(
        _ folder: TestFolder, _ sides: Sides, registry: Int, token: String
    ) throws {
        let text = try Repository.configuration(
            "deploy/envoy/envoy.yaml",
            [
                ("port_value: 8080", "port_value: \(registry)"),
                ("port_value: 8000", "port_value: \(sides.spare[0])"),
                ("port_value: 9001", "port_value: \(sides.japan)"),
                ("port_value: 9002", "port_value: \(sides.aws)"),
                ("trk_REPLACE_ME", token),
            ])
        _ = try folder.write(text, to: "envoy.yaml")
    }

    private init(_ program: String, _ folder: TestFolder, _ sides: Sides) throws {
        self.program = program
        self.folder = folder
        self.sides = sides
        visitor = Visitor(port: sides.spare[0])
        process = try ChildProcess(
            URL(fileURLWithPath: program),
            [
                "-c", folder.file("envoy.yaml").path, "--disable-hot-restart", "--concurrency", "1",
                "-l", "warn",
            ], outputs: folder.url, endsBy: SIGTERM)
    }

    private func ready() async throws -> EnvoyProcess {
        _ = try await poll("envoy listening: \(process.errors)") {
            BlockingConnection(port: visitor.port)
        }
        return self
    }

    func restarted() async throws -> EnvoyProcess {
        try await stop()
        return try await EnvoyProcess(program, folder, sides).ready()
    }

    func stop() async throws {
        process.signal(SIGTERM)
        try await process.waitForExit()
    }
}
