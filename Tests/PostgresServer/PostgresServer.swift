import CLibPQ
import Foundation
import Synchronization

/// A real PostgreSQL on loopback, in a folder of its own, for tests. It needs Debian's `postgresql`
/// installed, and nothing started; `scripts/postgres` has a newer one.
///
/// Its keeper is a shell that ends the server, by its own pid, and takes the folder away as soon as
/// the test process is gone, however it went.
package final class PostgresServer: Sendable {
    package let port: Int
    package let folder: URL
    private let keeper: Keeper
    private let databases = Mutex<Set<String>>([])

    package struct Settings: Sendable {
        /// Settings of the server, `name=value`.
        package var options: [String] = []
        /// Whether a commit waits for the disk. Only where a test is about that: it's slow.
        package var isDurable = false
        /// What `pg_hba.conf` holds instead of letting everyone in.
        package var hostRules: String?
        /// Files in the data folder, by name: certificates, keys. Only the server's user may read them.
        package var files: [String: String] = [:]
        /// What `initdb` is given beside the usual.
        package var initialisation: [String] = []

        package init() {}
    }

    package struct Failed: Error, CustomStringConvertible {
        package let description: String
    }

    /// The one that all tests of a process share, each with a database of its own.
    package static func shared() async throws -> PostgresServer { try await sharedStart.value }

    private static let sharedStart = Task { try await PostgresServer.start() }

    package static func start(_ settings: Settings = Settings()) async throws -> PostgresServer {
        for _ in 0..<5 {
            let server = try PostgresServer(settings)
            if try await server.becomesReady(refusedBefore: 0) { return server }
        }
        throw Failed(description: "no port for PostgreSQL could be found")
    }

    private init(_ settings: Settings) throws {
        port = try Self.freePort()
        folder = try Self.makeFolder()
        try Self.write(settings.files, to: folder.appendingPathComponent("files"))
        keeper = try Keeper(
            folder: folder, port: port, binaries: try Self.binaries(), settings: settings)
    }

    deinit { keeper.release() }

    // MARK: - Databases

    package func url(_ database: String, user: String = "registry") -> String {
        "postgres://\(user)@127.0.0.1:\(port)/\(database)?sslmode=disable"
    }

    /// Databases in use at the same time, at most: the runner begins all tests at once.
    private static let maximumDatabases = 24

    /// Makes the database where it's missing.
    /// - Parameter template: the database to copy, which nobody may be using.
    package func makeDatabase(_ name: String, like template: String = "template1") async throws {
        // One that a failed test has left holds up the others for a while, and not for ever.
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline, !takesTurn(name) {
            try await Task.sleep(for: .milliseconds(20))
        }
        do {
            try await run("CREATE DATABASE \"\(name)\" TEMPLATE \"\(template)\"")
        } catch let error as Failed where error.description.contains("already exists") {}
    }

    private func takesTurn(_ name: String) -> Bool {
        databases.withLock { databases in
            guard databases.count < Self.maximumDatabases || databases.contains(name) else {
                return false
            }
            databases.insert(name)
            return true
        }
    }

    /// Ends its sessions too.
    package func dropDatabase(_ name: String) async throws {
        databases.withLock { _ = $0.remove(name) }
        try await run("DROP DATABASE IF EXISTS \"\(name)\" WITH (FORCE)")
    }

    /// Runs statements as the superuser, in a session of their own.
    /// - Returns: the rows of the last one, as text.
    @discardableResult
    package func run(_ sql: String, in database: String = "postgres") async throws -> [[String?]] {
        try await session(in: database).run(sql)
    }

    /// A session of the superuser.
    package func session(in database: String = "postgres") async throws -> SuperuserSession {
        try await SuperuserSession(url(database))
    }

    // MARK: - Life

    /// The server's own pid.
    package var pid: pid_t? {
        let file = folder.appendingPathComponent("data/postmaster.pid")
        return (try? String(contentsOf: file, encoding: .utf8))?.split(separator: "\n").first
            .flatMap { pid_t($0) }
    }

    package func signal(_ number: Int32) {
        if let pid { kill(pid, number) }
    }

    /// Stops the server at once, as a crash would; its folder stays.
    package func crash() async throws {
        signal(SIGQUIT)
        try await poll("the end of the server") { !self.isListening }
    }

    /// Starts a stopped server again, on the same folder and port.
    package func startAgain() async throws {
        for _ in 0..<50 {
            let before = refusals
            keeper.startAgain()
            if try await becomesReady(refusedBefore: before) { return }
            // A passing connection of somebody else has the port.
            try await Task.sleep(for: .milliseconds(200))
        }
        throw Failed(description: log)
    }

    /// What the server has said.
    package var log: String {
        let file = folder.appendingPathComponent("log")
        return String(decoding: (try? Data(contentsOf: file)) ?? Data(), as: UTF8.self)
    }

    package var isListening: Bool { PQping(url("postgres")) != PQPING_NO_RESPONSE }

    /// - Returns: false where somebody else has the port.
    private func becomesReady(refusedBefore: Int) async throws -> Bool {
        try await poll("PostgreSQL to start") {
            PQping(self.url("postgres")) == PQPING_OK || !self.keeper.isRunning
                || self.refusals > refusedBefore
        }
        guard keeper.isRunning else { throw Failed(description: log) }
        guard refusals == refusedBefore else { return false }
        // Another server on this port would answer the ping, too.
        let place = try await run("SHOW data_directory").first?.first
        return place == folder.appendingPathComponent("data").path
    }

    /// How often the port was another's.
    private var refusals: Int { log.split(separator: "could not bind").count - 1 }

    private func poll(_ what: String, _ probe: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < deadline {
            if probe() { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw Failed(description: "waited in vain for \(what): \(log)")
    }

    // MARK: - Places

    /// Debian's newest, or those that `REGISTRY_POSTGRES` names, for a server that's newer still.
    package static func binaries() throws -> URL {
        if let path = ProcessInfo.processInfo.environment["REGISTRY_POSTGRES"] {
            return URL(fileURLWithPath: path)
        }
        let root = URL(fileURLWithPath: "/usr/lib/postgresql")
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
        let newest = versions.compactMap { Double($0).map { ($0, $0) } }.map(\.0).max()
        let name = versions.first { Double($0) == newest }
        guard let name else { throw Failed(description: "PostgreSQL isn't installed") }
        return root.appendingPathComponent("\(name)/bin")
    }

    /// Below those that the system gives to outgoing connections, of which tests make many.
    package static func freePort() throws -> Int {
        for _ in 0..<100 {
            let port = Int.random(in: 20_000..<32_000)
            if try isFree(port) { return port }
        }
        throw Failed(description: "no free port")
    }

    private static func isFree(_ port: Int) throws -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failed(description: "no socket") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    /// Where another user may go: the server doesn't run as root.
    private static func makeFolder() throws -> URL {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent(
            "registry-postgres-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        return url
    }

    private static func write(_ files: [String: String], to folder: URL) throws {
        guard !files.isEmpty else { return }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (name, contents) in files {
            let file = folder.appendingPathComponent(name).path
            guard
                FileManager.default.createFile(
                    atPath: file, contents: Data(contents.utf8),
                    attributes: [.posixPermissions: 0o600])
            else { throw Failed(description: "\(file) can't be written") }
        }
    }

    /// Makes a folder that servers may keep data in, wherever it is: a tablespace, or the log.
    package static func makeFolder(at url: URL) throws {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        guard getuid() == 0, let user = getpwnam("nobody") else { return }
        guard chown(url.path, user.pointee.pw_uid, user.pointee.pw_gid) == 0 else {
            throw Failed(description: String(cString: strerror(errno)))
        }
    }
}
