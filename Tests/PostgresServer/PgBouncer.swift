import CLibPQ
import Foundation
import TestProcesses

/// A real PgBouncer in front of a test's server, in a folder of its own. Which one: Debian's, or what
/// `REGISTRY_PGBOUNCER` names, for one that's newer.
package final class PgBouncer: Sendable {
    package let port: Int
    private let folder: URL
    private let process: TestProcess
    /// Ends the process when it's closed, by us or by our end.
    private let input: Int32
    private let server: Int

    package enum Mode: String, CaseIterable, Sendable {
        case session, transaction, statement
    }

    private static let script = """
        umask 077
        as=""
        if [ "$(id -u)" = 0 ]; then
            user=nobody
            chown -R "$user" "$DIR"
            as="setpriv --reuid=$user --regid=$(id -g $user) --clear-groups"
        fi
        $as "$BIN" "$DIR/pgbouncer.ini" >> "$DIR/log" 2>&1 &
        pooler=$!
        while read -r word; do kill -HUP $pooler; done
        kill -INT $pooler 2>/dev/null
        wait $pooler
        rm -rf "$DIR"
        """

    private static var binary: String {
        ProcessInfo.processInfo.environment["REGISTRY_PGBOUNCER"] ?? "/usr/sbin/pgbouncer"
    }

    /// - Parameter sessions: of the server's, for all clients together.
    package static func start(
        before server: PostgresServer, _ mode: Mode, sessions: Int = 20,
        settings: [String] = []
    ) async throws -> PgBouncer {
        let pooler = try PgBouncer(server.port, mode, sessions, settings)
        let deadline = ContinuousClock.now + .seconds(60)
        while PQping(pooler.url("postgres")) != PQPING_OK {
            guard ContinuousClock.now < deadline else {
                throw PostgresServer.Failed(description: "PgBouncer doesn't start: \(pooler.log)")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        return pooler
    }

    private init(_ server: Int, _ mode: Mode, _ sessions: Int, _ settings: [String]) throws {
        self.server = server
        port = try PostgresServer.freePort()
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "registry-pgbouncer-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw PostgresServer.Failed(description: String(cString: strerror(errno)))
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        input = ends[1]
        defer { close(ends[0]) }
        try Self.configuration(folder, port, server, mode, sessions, settings).write(
            to: folder.appendingPathComponent("pgbouncer.ini"), atomically: false, encoding: .utf8)
        try Data("\"registry\" \"\"\n".utf8).write(to: folder.appendingPathComponent("users"))
        process = try TestProcess.start(
            ["/bin/sh", "-c", Self.script],
            environment: [
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DIR": folder.path, "BIN": Self.binary,
            ],
            TestProcess.Streams(input: .descriptor(ends[0])), isLeader: true)
    }

    deinit {
        close(input)
        process.reap()
    }

    private static func configuration(
        _ folder: URL, _ port: Int, _ server: Int, _ mode: Mode, _ sessions: Int,
        _ settings: [String]
    ) -> String {
        """
        [databases]
        * = host=127.0.0.1 port=\(server)
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = \(port)
        unix_socket_dir =
        auth_type = trust
        auth_file = \(folder.appendingPathComponent("users").path)
        pool_mode = \(mode.rawValue)
        default_pool_size = \(sessions)
        max_client_conn = 200
        ignore_startup_parameters = extra_float_digits,options
        \(settings.joined(separator: "\n"))

        """
    }

    /// Puts another mode into its settings, as an operator does who doesn't know better.
    package func change(to mode: Mode, sessions: Int = 20, settings: [String] = []) throws {
        let file = folder.appendingPathComponent("pgbouncer.ini")
        // Written over: it's the pooler's user's own by now.
        let handle = try FileHandle(forWritingTo: file)
        try handle.truncate(atOffset: 0)
        try handle.write(
            contentsOf: Data(
                Self.configuration(folder, port, server, mode, sessions, settings).utf8))
        try handle.close()
        _ = write(input, "reload\n", 7)
    }

    package func url(_ database: String) -> String {
        "postgres://registry@127.0.0.1:\(port)/\(database)?sslmode=disable"
    }

    /// What it has said.
    package var log: String {
        let file = folder.appendingPathComponent("log")
        return String(decoding: (try? Data(contentsOf: file)) ?? Data(), as: UTF8.self)
    }
}
