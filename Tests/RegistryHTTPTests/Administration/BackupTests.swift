import Foundation
import RegistryModel
import Testing

@Suite("POST /v1/backup", .ofSQLite, .timeLimit(.minutes(15))) struct BackupTests {
    @Test func `sends a copy at one revision, with a name for it`() async throws {
        try await withRegistry { registry in
            try await registry.registerAll((0..<500).map { "n\($0).example.com" })
            let head = try await registry.head()
            let answer = try await registry.send(
                .POST, "/v1/backup", json: #"{"reason":"nightly"}"#,
                headers: [("Idempotency-Key", "k")])
            #expect(answer.status == 200 && answer.revision == head)
            #expect(answer.header("Content-Type") == "application/vnd.sqlite3")
            let epoch = try #require(answer.epoch)
            #expect(
                answer.header("Content-Disposition")
                    == "attachment; filename=\"tenant-registry-\(epoch)-\(head).sqlite\"")
            #expect(answer.bytes.prefix(15) == Array("SQLite format 3".utf8)[...])
            #expect(answer.bytes.count.isMultiple(of: 4096) && answer.bytes.count > 100_000)
            #expect(registry.log.lines.contains { $0.message == "a backup was made" })

            // The key counts for nothing: it's a copy of what is now.
            try await registry.register("later.example.com")
            let second = try await registry.send(
                .POST, "/v1/backup", headers: [("Idempotency-Key", "k"), ("Accept", "*/*")])
            #expect(second.status == 200 && second.revision == head + 1)
            #expect(second.header("Idempotency-Replayed") == nil)
        }
    }

    @Test func `is for admins, and for those who take such a file`() async throws {
        try await withRegistry { registry in
            let operating = try await registry.send(.POST, "/v1/backup", as: .role(.operator_))
            #expect(operating.status == 403)
            let json = try await registry.send(
                .POST, "/v1/backup", headers: [("Accept", "application/json")])
            #expect(json.isProblem(406, "not-acceptable"))
            let strange = try await registry.post("/v1/backup?compress=true", "")
            #expect(strange.isProblem(400, "invalid-request"))
        }
    }
}

@Suite("POST /v1/backup on PostgreSQL", .ofPostgres, .timeLimit(.minutes(15)))
struct NoBackupTests {
    @Test func `is what the database's own tools are for`() async throws {
        try await withRegistry { registry in
            let answer = try await registry.send(.POST, "/v1/backup", headers: [("Accept", "*/*")])
            #expect(answer.isProblem(501, "backup-unsupported"))
            let operating = try await registry.send(.POST, "/v1/backup", as: .role(.operator_))
            #expect(operating.status == 403)
        }
    }
}
