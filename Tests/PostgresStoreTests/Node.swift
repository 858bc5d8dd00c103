import Foundation
import Logging
import PostgresServer
import PostgresStore
import RegistryModel
import Synchronization

/// A database of one test's own.
final class TestDatabase: Sendable {
    let server: PostgresServer
    let name: String

    init(_ server: PostgresServer? = nil, name: String? = nil) async throws {
        self.name = name ?? "nodes_\(UUID().uuidString)"
        if let server {
            self.server = server
        } else {
            self.server = try await PostgresServer.shared()
        }
        try await self.server.makeDatabase(self.name)
    }

    func drop() async throws { try await server.dropDatabase(name) }

    var url: String { server.url(name) }

    /// Runs SQL as somebody with a shell.
    @discardableResult
    func run(_ sql: String) async throws -> [[String?]] { try await server.run(sql, in: name) }
}

/// One node: a store that follows the log, and what its memory was told.
final class Node: Sendable {
    let store: PostgresStore
    let told: Told

    init(
        _ url: String, follows: Bool = true,
        _ change: (inout PostgresStore.Configuration) -> Void = { _ in }
    ) async throws {
        let told = Told()
        self.told = told
        var configuration = PostgresStore.Configuration(
            connection: try ConnectionSettings(url: url), quarantine: .seconds(60),
            now: Self.clock)
        configuration.reads = .init(connections: 3)
        configuration.pollInterval = .milliseconds(200)
        // A busy machine takes its time for a new session.
        configuration.grace = .seconds(30)
        change(&configuration)
        store = try await PostgresStore.open(
            configuration, logger: Self.logger(url),
            onCommit: { told.note($0) })
        guard follows else { return }
        let head = try await store.head()
        store.follow(after: Position(epoch: head.epoch, revision: head.revision))
    }

    /// What a store says tells why a test failed that nobody can repeat.
    private static func logger(_ url: String) -> Logger {
        let database = url.split(separator: "/").last?.prefix(14) ?? ""
        var logger = Logger(label: String(database)) { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        return logger
    }

    @Sendable static func clock() -> Timestamp {
        Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
    }

    @discardableResult
    func run(
        _ command: Command, key: IdempotencyKey? = nil
    ) async throws(RegistryError) -> Committed {
        try await store.commit(
            CommitRequest(
                command, by: Actor(token: "t-1", name: "tester", role: .admin),
                requestID: UUID().uuidString, idempotency: key))
    }

    /// Waits until memory has a revision.
    func reaches(_ revision: Revision) async throws {
        try await poll("revision \(revision)") { self.told.last >= revision }
    }
}

/// The revisions that a node's memory was told of.
final class Told: Sendable {
    private let changes = Mutex<[RevisionChanges]>([])

    func note(_ change: RevisionChanges) { changes.withLock { $0.append(change) } }

    var all: [RevisionChanges] { changes.withLock { $0 } }
    var revisions: [Int64] { all.map(\.revision.number) }
    var last: Revision { changes.withLock { $0.last?.revision ?? .zero } }
}

func new(_ name: String, tenant: String? = nil) -> Command {
    .register(NewDomain(fqdn: FQDN(canonical: name), tenant: tenant))
}

struct NeverHappened: Error {
    let what: String
}

func poll(
    _ what: String, within limit: Duration = .seconds(120), _ probe: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try await probe() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    throw NeverHappened(what: what)
}
