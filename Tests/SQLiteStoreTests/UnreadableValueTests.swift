import GRDB
import RegistryModel
import Testing

@testable import SQLiteStore

/// A file that somebody has written into by hand.
@Suite("A value that can't be read") struct UnreadableValueTests {
    private let folder = StoreFolder()

    @Test(arguments: [
        "UPDATE domain SET mode = 'open'", "UPDATE domain SET location = ''",
        "UPDATE domain SET mode = 'REJECT'",
    ])
    func `is an error, and never another value`(sql: String) async throws {
        let store = try folder.open()
        try await store.run(new("a.example"))
        try await store.pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA ignore_check_constraints = 1; PRAGMA foreign_keys = 0")
            try db.execute(sql: sql)
            try db.execute(sql: "PRAGMA ignore_check_constraints = 0; PRAGMA foreign_keys = 1")
        }
        await #expect(throws: RegistryError.inconsistent) {
            try await store.domains(DomainQuery())
        }
        await #expect(throws: RegistryError.inconsistent) { try await store.snapshot { _ in } }
        await #expect(throws: RegistryError.inconsistent) {
            try await store.run(.release(fqdn("a.example"), ifMatch: nil))
        }
        // Nobody else's command is refused for it.
        try await store.run(new("b.example"))
        await store.close()
    }
}
