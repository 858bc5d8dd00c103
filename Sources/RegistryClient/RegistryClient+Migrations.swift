import NIOCore
import RegistryAPI
import RegistryModel

extension RegistryClient {
    /// - Parameter dryRun: only says what the plan would be.
    package func planMigration(
        _ plan: PlanRequest, dryRun: Bool, note: Note, idempotencyKey: String? = nil
    ) async throws -> Received<Migration> {
        var plan = plan
        plan.note = note
        return try Received(
            await send(
                .planMigration, query: [("dry_run", dryRun ? "true" : nil)], body: plan,
                idempotencyKey: idempotencyKey, timeout: .minutes(5)))
    }

    package func migrations(
        state: String?, limit: Int, cursor: String? = nil
    ) async throws -> ListPage<Migration> {
        try await send(
            .listMigrations,
            query: [("state", state), ("limit", String(limit)), ("cursor", cursor)]
        ).decode()
    }

    package func migration(_ id: String) async throws -> Received<Migration> {
        try Received(await send(.getMigration, id))
    }

    package func migrationDomains(
        of id: String, wave: Int?, status: String?, limit: Int, cursor: String? = nil
    ) async throws -> ListPage<MigrationDomain> {
        try await send(
            .listMigrationDomains, id,
            query: [
                ("wave", wave.map(String.init)), ("status", status), ("limit", String(limit)),
                ("cursor", cursor),
            ]
        ).decode()
    }

    package func finalizeMigration(
        _ id: String, note: Note, idempotencyKey: String? = nil
    ) async throws -> Received<Migration> {
        try await close(.finalizeMigration, id, note, idempotencyKey)
    }

    package func cancelMigration(
        _ id: String, note: Note, idempotencyKey: String? = nil
    ) async throws -> Received<Migration> {
        try await close(.cancelMigration, id, note, idempotencyKey)
    }

    private func close(
        _ endpoint: EndpointID, _ id: String, _ note: Note, _ idempotencyKey: String?
    ) async throws -> Received<Migration> {
        try Received(
            await send(
                endpoint, id, body: note, idempotencyKey: idempotencyKey, timeout: .minutes(2)))
    }
}
