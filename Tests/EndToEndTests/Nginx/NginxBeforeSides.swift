import Foundation
import Testing

/// Real nginx with one of the configurations in `deploy/nginx`, and two sides behind it.
final class NginxBeforeSides: FrontProxy {
    let visitor: Visitor
    private let folder: TestFolder
    private let sides: Sides
    private let process: ChildProcess

    /// - Parameter port: of whoever answers as the registry, or as an agent.
    static func start(
        _ configuration: String, before port: Int, token: String,
        _ release: ProxyRelease = .debian
    ) async throws -> NginxBeforeSides {
        let folder = try TestFolder()
        let program = try await release.program("nginx", folder)
        let sides = try await Sides.start(in: folder, spare: 2)
        let proxy = try NginxBeforeSides(program, configuration, folder, sides, port, token)
        // Visitors may come in before the gate is open.
        for port in sides.spare {
            _ = try await poll("nginx listening: \(proxy.process.errors)") {
                BlockingConnection(port: port)
            }
        }
        return proxy
    }

    private init(
        _ program: String, _ configuration: String, _ folder: TestFolder, _ sides: Sides,
        _ port: Int, _ token: String
    ) throws {
        self.folder = folder
        self.sides = sides
        visitor = Visitor(port: sides.spare[0])
        let line = "proxy_set_header Authorization \"Bearer \(token)\";\n"
        let own =
            configuration == "agent.conf"
            ? [("127.0.0.1:8090", "127.0.0.1:\(port)")]
            : [
                ("127.0.0.1:8080", "127.0.0.1:\(port)"),
                ("/var/cache/nginx/tenant-registry", folder.file("cache").path),
                (
                    "/etc/nginx/tenant-registry-token.conf",
                    try folder.write(line, to: "token.conf").path
                ),
            ]
        let text = try Repository.configuration(
            "deploy/nginx/\(configuration)",
            own + [
                ("127.0.0.1:8000", "127.0.0.1:\(visitor.port)"),
                ("127.0.0.1:8001", "127.0.0.1:\(sides.spare[1])"),
                ("127.0.0.1:9001", "127.0.0.1:\(sides.japan)"),
                ("127.0.0.1:9002", "127.0.0.1:\(sides.aws)"),
            ])
        _ = try folder.write(text, to: configuration)
        // Where nginx starts as root, its workers must be able to write into the cache.
        let user = geteuid() == 0 ? "user root;\n" : ""
        _ = try folder.write(
            user
                + EdgeNginx.configuration(
                    folder, "    access_log off;\n    include \(configuration);\n"),
            to: "nginx.conf")
        process = try EdgeNginx.process(folder, program: program)
    }

    func stop() async throws {
        process.signal(SIGTERM)
        try await process.waitForExit()
    }
}
