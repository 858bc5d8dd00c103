import Foundation
import Testing

/// A store that no process has open, read by the sqlite3 command, which shares nothing with the
/// service: read-only, so that the service's next start finds what a crash left.
struct StoppedStore {
    /// One migration of one wave, and its rows.
    struct Wave: Equatable {
        var head: Int
        /// The wave's, and the revision of its last step.
        var state: String
        var revision: Int
        /// Lines of the log at the head.
        var lines: Int
        /// Where the wave's domains are, and how many there: one, if they agree.
        var places: [String]
        /// Domains that the wave's last step changed, and nobody since.
        var current: Int
    }

    let folder: TestFolder
    let data: URL

    func wave(of migration: String) async throws -> Wave {
        let text = try await query(
            """
            SELECT head.revision, wave.state, coalesce(wave.revision, 0),
                (SELECT count(*) FROM change_log WHERE revision = head.revision),
                (SELECT group_concat(place, ';') FROM (
                    SELECT d.location || ' ' || d.mode || ' ' || count(*) AS place
                    FROM migration_domain m JOIN domain d ON d.fqdn = m.fqdn
                    WHERE m.migration = g.number GROUP BY d.location, d.mode)),
                (SELECT count(*) FROM migration_domain m JOIN domain d ON d.fqdn = m.fqdn
                    WHERE m.migration = g.number AND d.revision = wave.revision)
            FROM head, migration g JOIN wave ON wave.migration = g.number
            WHERE g.id = '\(migration)'
            """)
        let columns = text.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        try #require(columns.count == 6, "\(text)")
        return Wave(
            head: Int(columns[0]) ?? -1, state: columns[1], revision: Int(columns[2]) ?? -1,
            lines: Int(columns[3]) ?? -1,
            places: columns[4].split(separator: ";").map(String.init),
            current: Int(columns[5]) ?? -1)
    }

    private func query(_ sql: String) async throws -> String {
        let file = data.appendingPathComponent("registry.sqlite").path
        return try await run("sqlite3", ["file:\(file)?mode=ro", sql])
    }

    /// Recomputes the digest of every revision, by the program in docs/history.md.
    /// - Returns: what it says.
    func verify() async throws -> String {
        let page = NginxProcess.repository.appendingPathComponent("docs/history.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let program = try #require(
            text.components(separatedBy: "```python\n").dropFirst().first?
                .components(separatedBy: "```").first)
        let name = data.lastPathComponent
        return try await run(
            "python3",
            ["-c", program.replacing("data/registry.sqlite", with: "\(name)/registry.sqlite")],
            in: data.deletingLastPathComponent())
    }

    private func run(
        _ command: String, _ arguments: [String], in place: URL? = nil
    ) async throws -> String {
        let process = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"), [command] + arguments, outputs: folder.url,
            workingDirectory: place)
        let exit = try await process.waitForExit(within: .seconds(120))
        try #require(exit == .code(0), "\(process.errors)")
        return process.output.trimmingCharacters(in: .newlines)
    }
}
