import Foundation
import Testing

/// Real Envoy with one of the configurations in `deploy/envoy`, and two sides behind it.
final class EnvoyProcess: AskingProxy {
    /// One that names fields of other proxies.
    static let refusedField: String? = "Connection"

    let visitor: Visitor
    private let program: String
    private let folder: TestFolder
    private let sides: Sides
    private let workers: Int
    private let process: ChildProcess

    /// - Parameter port: of whoever answers as the registry.
    static func start(before port: Int, token: String) async throws -> EnvoyProcess {
        let folder = try TestFolder()
        let program = try await Repository.script("proxy", ["envoy"], folder)
        let sides = try await Sides.start(in: folder, spare: 1)
        try write(
            "envoy.yaml", folder, sides,
            [("port_value: 8080", "port_value: \(port)"), ("trk_REPLACE_ME", token)])
        return try await EnvoyProcess(program, folder, sides, workers: 1).ready()
    }

    /// - Parameter path: where an agent shares its routes, or will.
    static func start(withRoutesAt path: String, workers: Int = 1) async throws -> EnvoyProcess {
        let folder = try TestFolder()
        let program = try await Repository.script("proxy", ["envoy"], folder)
        let sides = try await Sides.start(in: folder, spare: 1)
        try write(
            "shared.yaml", folder, sides,
            [
                ("/run/tenant-registry/routes", path),
                ("/usr/lib/libtenantroutes_envoy.so", try await Repository.envoyModule.path),
            ])
        return try await EnvoyProcess(program, folder, sides, workers: workers).ready()
    }

    private static func write(
        _ configuration: String, _ folder: TestFolder, _ sides: Sides, _ changes: [(String, String)]
    ) throws {
        let text = try Repository.configuration(
            "deploy/envoy/\(configuration)",
            changes + [
                ("port_value: 8000", "port_value: \(sides.spare[0])"),
                ("port_value: 9001", "port_value: \(sides.japan)"),
                ("port_value: 9002", "port_value: \(sides.aws)"),
            ])
        _ = try folder.write(text, to: "envoy.yaml")
    }

    private init(
        _ program: String, _ folder: TestFolder, _ sides: Sides, workers: Int
    ) throws {
        self.program = program
        self.folder = folder
        self.sides = sides
        self.workers = workers
        visitor = Visitor(port: sides.spare[0])
        process = try ChildProcess(
            URL(fileURLWithPath: program),
            [
                "-c", folder.file("envoy.yaml").path, "--disable-hot-restart", "--concurrency",
                "\(workers)", "-l", "warn",
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
        return try await EnvoyProcess(program, folder, sides, workers: workers).ready()
    }

    func stop() async throws {
        process.signal(SIGTERM)
        try await process.waitForExit()
    }
}
