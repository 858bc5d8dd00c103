import Foundation
import Testing

/// Real nginx with one of the configurations in `deploy/nginx`, and two sides behind it.
final class NginxBeforeSides: FrontProxy {
    let visitor: Visitor
    private let program: String
    private let folder: TestFolder
    private let sides: Sides
    private let process: ChildProcess

    /// - Parameters:
    ///   - port: of whoever answers as the registry, or as an agent.
    ///   - socket: of an agent; nil: it's asked by TCP.
    static func start(
        _ configuration: String, before port: Int, socket: URL? = nil, token: String,
        _ release: ProxyRelease = .debian
    ) async throws -> NginxBeforeSides {
        let folder = try TestFolder()
        let sides = try await Sides.start(in: folder, spare: 2)
        let line = "proxy_set_header Authorization \"Bearer \(token)\";\n"
        let own =
            configuration == "agent.conf"
            ? [
                (
                    "unix:/run/tenant-registry-agent/agent.sock",
                    socket.map { "unix:\($0.path)" } ?? "127.0.0.1:\(port)"
                )
            ]
            : [
                ("127.0.0.1:8080", "127.0.0.1:\(port)"),
                ("/var/cache/nginx/tenant-registry", folder.file("cache").path),
                (
                    "/etc/nginx/tenant-registry-token.conf",
                    try folder.write(line, to: "token.conf").path
                ),
            ]
        return try await start(
            configuration, folder, sides, own + [("127.0.0.1:8001", "127.0.0.1:\(sides.spare[1])")],
            release)
    }

    /// - Parameter folder: with maps that an agent keeps.
    static func start(
        withMapsIn folder: TestFolder, _ release: ProxyRelease
    ) async throws -> NginxBeforeSides {
        let sides = try await Sides.start(in: folder, spare: 1)
        return try await start(
            "maps.conf", folder, sides, [("/etc/nginx/tenants", folder.url.path)], release)
    }

    /// Debian's, with its Lua module.
    ///
    /// - Parameters:
    ///   - folder: with routes that an agent shares.
    ///   - user: and group of the workers, where the tests' own is root.
    static func start(
        withRoutesIn folder: TestFolder, user: String = "root"
    ) async throws -> NginxBeforeSides {
        let sides = try await Sides.start(in: folder, spare: 1)
        let modules = "/usr/lib/nginx/modules"
        return try await start(
            "shared.conf", folder, sides,
            [
                (
                    "/etc/nginx/tenant-registry",
                    Repository.root.appendingPathComponent("deploy/nginx").path
                ), ("/run/tenant-registry/routes", folder.file("routes").path),
                ("/usr/lib/libtenantroutes.so.1", try await Repository.library.path),
            ], .debian,
            main: ["ndk_http_module", "ngx_http_lua_module"].map {
                "load_module \(modules)/\($0).so;\n"
            }.joined(), user: user)
    }

    /// - Parameter main: stands before all else in the configuration.
    private static func start(
        _ configuration: String, _ folder: TestFolder, _ sides: Sides,
        _ changes: [(String, String)], _ release: ProxyRelease, main: String = "",
        user: String = "root"
    ) async throws -> NginxBeforeSides {
        let program = try await release.program("nginx", folder)
        let text = try Repository.configuration(
            "deploy/nginx/\(configuration)",
            changes + [
                ("127.0.0.1:8000", "127.0.0.1:\(sides.spare[0])"),
                ("127.0.0.1:9001", "127.0.0.1:\(sides.japan)"),
                ("127.0.0.1:9002", "127.0.0.1:\(sides.aws)"),
            ])
        _ = try folder.write(text, to: configuration)
        // Where nginx starts as root, its workers must be able to write into the cache.
        let user = geteuid() == 0 ? "user \(user);\n" : ""
        _ = try folder.write(
            main + user
                + EdgeNginx.configuration(
                    folder, "    access_log off;\n    include \(configuration);\n"),
            to: "nginx.conf")
        return try await NginxBeforeSides(program, folder, sides).ready()
    }

    private init(_ program: String, _ folder: TestFolder, _ sides: Sides) throws {
        self.program = program
        self.folder = folder
        self.sides = sides
        visitor = Visitor(port: sides.spare[0])
        process = try EdgeNginx.process(folder, program: program)
    }

    private func ready() async throws -> NginxBeforeSides {
        // Visitors may come in before the gate is open.
        for port in sides.spare {
            _ = try await poll("nginx listening: \(process.errors)") {
                BlockingConnection(port: port)
            }
        }
        return self
    }

    /// The workers, by their process ids.
    var workers: Set<String> {
        let id = process.pid
        let children = try? String(
            contentsOfFile: "/proc/\(id)/task/\(id)/children", encoding: .utf8)
        return Set(children?.split(separator: " ").map(String.init) ?? [])
    }

    /// Lets other workers take over, and waits until those of before are gone.
    func reload() async throws {
        let before = workers
        process.signal(SIGHUP)
        _ = try await poll("other workers: \(process.errors)") {
            let now = workers
            return !now.isEmpty && now.isDisjoint(with: before) ? true : nil
        }
    }

    func restarted() async throws -> NginxBeforeSides {
        try await stop()
        return try await NginxBeforeSides(program, folder, sides).ready()
    }

    func stop() async throws {
        process.signal(SIGTERM)
        try await process.waitForExit()
    }
}
