import Foundation
import GRDB
import Logging
import RegistryModel
import SQLiteStore
import SchemaMigrations

/// A temporary data folder, and stores in it. Goes away with the last reference.
final class StoreFolder: Sendable {
    let url: URL
    let clock = Shared(Timestamp(milliseconds: 1_592_697_600_000))
    let observed = Shared<[RevisionChanges]>([])

    /// What goes away with it.
    private let kept = Shared<[URL]>([])

    init(
        at url: URL = FileManager.default.temporaryDirectory
            .appendingPathComponent("sqlite-store-\(UUID().uuidString)")
    ) {
        self.url = url
    }

    deinit { for file in kept.value + [url] { try? FileManager.default.removeItem(at: file) } }

    func keep(_ file: URL) {
        kept.change { $0.append(file) }
    }

    var file: URL { url.appendingPathComponent("registry.sqlite") }

    func open(
        schema: [SchemaFile] = SchemaFile.sqlite, acceptsRewind: Bool = false,
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ) throws -> SQLiteStore {
        let (clock, observed) = (clock, observed)
        var configuration = SQLiteStore.Configuration(
            folder: url, quarantine: .seconds(90 * 86_400), now: { clock.value })
        configuration.schema = schema
        configuration.acceptsRewind = acceptsRewind
        return try SQLiteStore(configuration, logger: logger) { changes in
            observed.change { $0.append(changes) }
        }
    }

    /// Another connection to the file: a person with a shell.
    func shell() throws -> DatabaseQueue {
        try DatabaseQueue(path: file.path)
    }
}

extension SQLiteStore {
    @discardableResult
    func run(
        _ command: Command, key: IdempotencyKey? = nil
    ) async throws(RegistryError) -> Committed {
        try await commit(
            CommitRequest(
                command, by: Actor(token: "t", name: "tester", role: .admin), requestID: "r",
                idempotency: key))
    }
}

func fqdn(_ name: String) -> FQDN { FQDN(canonical: name) }

func new(_ name: String, tenant: String? = nil) -> Command {
    .register(NewDomain(fqdn: fqdn(name), tenant: tenant))
}

func batch(_ prefix: String, count: Int) -> Command {
    .registerBatch((0..<count).map { .wanted(NewDomain(fqdn: fqdn("\(prefix)\($0).example"))) })
}

func token(_ id: String) -> TokenRecord {
    TokenRecord(
        id: id, name: id, role: .admin, secretDigest: Array(repeating: 7, count: 32),
        createdAt: Timestamp(milliseconds: 0))
}
