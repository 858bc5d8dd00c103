import Foundation
import Testing

/// Real HAProxy with one of the configurations in `deploy/haproxy`, and two sides behind it.
final class HAProxyProcess: FrontProxy {
    let visitor: Visitor
    let folder: TestFolder
    private let program: String
    private let sides: Sides
    private let process: ChildProcess

    /// - Parameter map: in the place of the registry's.
    static func start(
        before registry: ServerProcess, _ release: ProxyRelease, map: String? = nil
    ) async throws -> HAProxyProcess {
        let folder = try TestFolder()
        try await writeMap(of: registry, in: folder)
        if let map { _ = try folder.write(map, to: "placement.map") }
        return try await start(in: folder, release)
    }

    /// - Parameter folder: with the map.
    static func start(
        in folder: TestFolder, _ release: ProxyRelease
    ) async throws -> HAProxyProcess {
        try await start(
            "haproxy.cfg", folder, try await release.program("haproxy", folder),
            [
                ("/etc/haproxy/tenants", folder.url.path),
                ("/run/haproxy/admin.sock", folder.file("s").path),
            ])
    }

    /// - Parameters:
    ///   - folder: with routes that an agent shares, or will share.
    ///   - path: of the routes, as HAProxy sees it; nil: as everybody does.
    ///   - changes: of the configuration, beyond paths and addresses.
    static func start(
        withRoutesIn folder: TestFolder, _ release: ProxyRelease, at path: String? = nil,
        _ changes: [(String, String)] = []
    ) async throws -> HAProxyProcess {
        let program = try await release.program("haproxy", folder)
        return try await start(
            "shared.cfg", folder, program,
            changes + [
                (
                    "/usr/lib/tenant-registry/lua/5.3",
                    try await Repository.luaModules(try await lua(of: program, folder)).path
                ),
                (
                    "/etc/haproxy/shared.lua",
                    Repository.root.appendingPathComponent("deploy/haproxy/shared.lua").path
                ),
                ("/run/tenant-registry/routes", path ?? folder.file("routes").path),
            ])
    }

    /// - Returns: the version of the Lua that it was built with, as modules' folders are called.
    private static func lua(of program: String, _ folder: TestFolder) async throws -> String {
        let process = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"), [program, "-vv"], outputs: folder.url)
        try await process.waitForExit()
        let said = process.output.firstMatch(of: /Built with Lua version : Lua (\d+\.\d+)/)
        return String(try #require(said, "\(program) has no Lua").1)
    }

    private static func start(
        _ configuration: String, _ folder: TestFolder, _ program: String,
        _ changes: [(String, String)]
    ) async throws -> HAProxyProcess {
        let sides = try await Sides.start(in: folder, spare: 1)
        let text = try Repository.configuration(
            "deploy/haproxy/\(configuration)",
            changes + [
                ("127.0.0.1:8000", "127.0.0.1:\(sides.spare[0])"),
                ("127.0.0.1:9001", "127.0.0.1:\(sides.japan)"),
                ("127.0.0.1:9002", "127.0.0.1:\(sides.aws)"),
            ])
        _ = try folder.write(text, to: "haproxy.cfg")
        return try await HAProxyProcess(program, folder, sides).ready()
    }

    private init(_ program: String, _ folder: TestFolder, _ sides: Sides) throws {
        self.program = program
        self.folder = folder
        self.sides = sides
        visitor = Visitor(port: sides.spare[0])
        process = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"),
            [program, "-W", "-db", "-f", folder.file("haproxy.cfg").path],
            outputs: folder.url, endsBy: SIGTERM)
    }

    private func ready() async throws -> HAProxyProcess {
        _ = try await poll("haproxy listening: \(process.errors)") {
            BlockingConnection(port: visitor.port)
        }
        return self
    }

    func restarted() async throws -> HAProxyProcess {
        try await stop()
        return try await HAProxyProcess(program, folder, sides).ready()
    }

    /// As deploy/haproxy/README.md has it: the map is fetched beside its place, and renamed.
    static func writeMap(of registry: ServerProcess, in folder: TestFolder) async throws {
        let answer = try await registry.client.send(
            .GET, "/v1/export/haproxy-map", query: [("value", "placement")])
        let beside = try folder.write(String(buffer: answer.body), to: "placement.map.new")
        try #require(rename(beside.path, folder.file("placement.map").path) == 0)
    }

    /// Takes map and configuration up anew.
    func reload() {
        process.signal(SIGUSR2)
    }

    func stop() async throws {
        process.signal(SIGTERM)
        try await process.waitForExit()
    }
}
