import Foundation
import Testing

/// A service that has to refuse its data folder, and a person with a shell in there.
enum RefusedStart {
    /// - Returns: what it says.
    static func run(_ data: URL, in folder: TestFolder) async throws -> String {
        let run = try await CommandRun.run(
            ["serve", "--listen", "127.0.0.1:0", "--data-dir", data.path], in: folder)
        #expect(run.exit == .code(1))
        #expect(run.output == "")
        return run.errors
    }

    /// As a release before marks would have left the store.
    static func unmark(_ data: URL, in folder: TestFolder) async throws {
        _ = try await shell("PRAGMA user_version = 0", data, in: folder)
        try FileManager.default.removeItem(at: mark(data))
    }

    static func mark(_ data: URL) -> URL { data.appendingPathComponent("registry.sqlite-mark") }
    static func file(_ data: URL) -> URL { data.appendingPathComponent("registry.sqlite") }

    static func shell(_ sql: String, _ data: URL, in folder: TestFolder) async throws -> String {
        let shell = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"), ["sqlite3", file(data).path, sql],
            outputs: folder.url)
        try #require(try await shell.waitForExit() == .code(0), "\(shell.errors)")
        return shell.output.trimmingCharacters(in: .newlines)
    }
}
