import RegistryModel
import Testing

@testable import PostgresStore

/// A database that somebody has written into by hand.
@Suite("A value that can't be read", .timeLimit(.minutes(15))) struct UnreadableValueTests {
    @Test func `is an error, and never another value`() async throws {
        let database = try await TestDatabase()
        let node = try await Node(database.url)
        try await node.run(new("a.example"))
        try await database.run("ALTER TABLE domain DROP CONSTRAINT domain_mode_check")
        try await database.run("UPDATE domain SET mode = 'open'")
        await #expect(throws: RegistryError.inconsistent) {
            try await node.store.domains(DomainQuery())
        }
        await #expect(throws: RegistryError.inconsistent) {
            try await node.store.snapshot { _ in }
        }
        await #expect(throws: RegistryError.inconsistent) {
            try await node.run(.release(FQDN(canonical: "a.example"), ifMatch: nil))
        }
        // Nobody else's command is refused for it, also where both came together.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...20 {
                group.addTask {
                    if number == 7 {
                        await #expect(throws: RegistryError.inconsistent) {
                            try await node.run(.release(FQDN(canonical: "a.example"), ifMatch: nil))
                        }
                    } else {
                        try await node.run(new("b\(number).example"))
                    }
                }
            }
            try await group.waitForAll()
        }
        await node.store.close()
        try await database.drop()
    }
}
