import Foundation
import Testing

/// Real Traefik with the configuration in `deploy/traefik`, and two sides behind it.
final class TraefikProcess: AskingProxy {
    static let refusedField: String? = nil

    let visitor: Visitor
    let sides: Sides
    /// That somebody answers once it's ready.
    private let host: String?
    private let program: String
    private let folder: TestFolder
    private let file: URL
    private let process: ChildProcess

    /// - Parameter port: of whoever answers as the registry.
    static func start(before port: Int, token: String) async throws -> TraefikProcess {
        let folder = try TestFolder()
        let sides = try await Sides.start(in: folder, spare: 2)
        let tenants = try Repository.configuration(
            "deploy/traefik/tenants.yaml",
            [
                ("127.0.0.1:8080", "127.0.0.1:\(port)"),
                ("127.0.0.1:8001", "127.0.0.1:\(sides.spare[1])"),
                ("127.0.0.1:9001", "127.0.0.1:\(sides.japan)"),
                ("127.0.0.1:9002", "127.0.0.1:\(sides.aws)"),
                ("trk_REPLACE_ME", token),
            ])
        let file = try folder.write(tenants, to: "tenants.yaml")
        return try await start(
            "traefik.yaml", folder, sides,
            [
                ("/etc/traefik/tenants.yaml", file.path),
                ("127.0.0.1:8001", "127.0.0.1:\(sides.spare[1])"),
            ])
    }

    /// With the file that an agent keeps in a folder.
    ///
    /// - Parameter host: whose side answers once the file says where sides are.
    static func start(
        fileIn files: TestFolder, of registry: ServerProcess, servingAtLast host: String
    ) async throws -> TraefikProcess {
        let folder = try TestFolder()
        let sides = try await Sides.start(in: folder, spare: 1)
        for (name, port) in [("japan", sides.japan), ("aws", sides.aws)] {
            _ = try await registry.client.putLocation(
                name, upstream: "http://127.0.0.1:\(port)", acceptsSignups: true,
                isDefault: name == "japan", note: .init())
        }
        let proxy = try await start(
            "file.yaml", folder, sides,
            [("/etc/traefik/tenants/tenants.yaml", files.file("tenants.yaml").path)], until: host)
        _ = try await poll("the sides' addresses: \(proxy.log)") {
            try await proxy.visitor.visit(host).status == 200 ? true : nil
        }
        return proxy
    }

    /// - Parameters:
    ///   - configuration: a static one of `deploy/traefik`.
    ///   - changes: but for the visitors' port.
    ///   - host: that somebody answers, if only that it's nobody's; nil: nobody need answer.
    static func start(
        _ configuration: String, _ folder: TestFolder, _ sides: Sides,
        _ changes: [(String, String)], until host: String? = "404.example.com"
    ) async throws -> TraefikProcess {
        let program = try await Repository.script("proxy", ["traefik"], folder)
        let text = try Repository.configuration(
            "deploy/traefik/\(configuration)",
            changes + [("127.0.0.1:8000", "127.0.0.1:\(sides.spare[0])")])
        let file = try folder.write(text, to: configuration)
        return try await TraefikProcess(program, folder, sides, file, until: host).ready()
    }

    private func ready() async throws -> TraefikProcess {
        _ = try await poll("traefik listening: \(log)") {
            BlockingConnection(port: visitor.port)
        }
        // It listens before it has routers, and answers 404 by itself until then; or 500, where the gate isn't open.
        guard let host else { return self }
        _ = try await poll("traefik routing: \(log)") {
            let page = try await visitor.visit(host)
            return page.status == 500 || page.body == "404 page not found\n" ? nil : true
        }
        return self
    }

    func restarted() async throws -> TraefikProcess {
        try await stop()
        return try await TraefikProcess(program, folder, sides, file, until: host).ready()
    }

    private init(
        _ program: String, _ folder: TestFolder, _ sides: Sides, _ file: URL, until host: String?
    ) throws {
        self.program = program
        self.file = file
        self.host = host
        self.folder = folder
        self.sides = sides
        visitor = Visitor(port: sides.spare[0])
        process = try ChildProcess(
            URL(fileURLWithPath: program), ["--configFile=\(file.path)"], outputs: folder.url,
            endsBy: SIGTERM)
    }

    var log: String { process.output + process.errors }

    func stop() async throws {
        process.signal(SIGTERM)
        try await process.waitForExit()
    }
}
