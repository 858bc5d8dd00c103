import Foundation
import Testing

/// What proxies send visitors to: two applications that say who they are, and what they were told.
final class Sides: Sendable {
    let japan: Int
    let aws: Int
    /// For a proxy, and whatever else it needs.
    let spare: [Int]
    private let process: ChildProcess

    static func start(in folder: TestFolder, spare: Int) async throws -> Sides {
        let ports = try await Repository.script("free-ports", ["\(spare + 2)"], folder)
            .split(separator: " ").compactMap { Int($0) }
        try #require(ports.count == spare + 2)
        let sides = try Sides(folder, ports)
        for port in ports[..<2] {
            _ = try await poll("a side listening: \(sides.process.errors)") {
                BlockingConnection(port: port)
            }
        }
        return sides
    }

    private init(_ folder: TestFolder, _ ports: [Int]) throws {
        (japan, aws, spare) = (ports[0], ports[1], Array(ports[2...]))
        process = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/python3"),
            [
                Repository.root.appendingPathComponent("Tests/Fixtures/side.py").path, "japan",
                "\(japan)", "aws", "\(aws)",
            ], outputs: folder.url, endsBy: SIGTERM)
    }
}

/// The repository's own scripts and configurations.
enum Repository {
    static let root = NginxProcess.repository

    struct Failed: Error {
        let script: String
        let errors: String
    }

    static func script(
        _ name: String, _ arguments: [String], _ folder: TestFolder
    ) async throws -> String {
        let process = try ChildProcess(
            root.appendingPathComponent("scripts/\(name)"), arguments, outputs: folder.url)
        let exit = try await process.waitForExit()
        // What is made once for many tests fails in each of them: a failed requirement would count in the first alone.
        guard exit == .code(0) else { throw Failed(script: name, errors: process.errors) }
        return process.output.trimmingCharacters(in: .newlines)
    }

    /// What `make library` builds, built once.
    static var library: URL {
        get async throws { try await made.value.file("lib/libtenantroutes.so.1") }
    }

    static var envoyModule: URL {
        get async throws { try await made.value.file("lib/libtenantroutes_envoy.so") }
    }

    /// The folder of its modules for Lua 5.3 or 5.4.
    static func luaModules(_ lua: String) async throws -> URL {
        try await made.value.file("lib/lua/\(lua)")
    }

    private static let made = Task {
        let folder = try TestFolder()
        _ = try await script("library", [folder.url.path], folder)
        return folder
    }

    /// A configuration with other addresses and paths. Each must be in it.
    static func configuration(_ path: String, _ changes: [(String, String)]) throws -> String {
        var text = try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
        for (old, new) in changes {
            try #require(text.contains(old), "\(path) has no \(old)")
            text = text.replacing(old, with: new)
        }
        return text
    }
}
