// What suites of both stores fill a store with.
import RegistryModel

extension Store {
    /// Something in each table that a trigger guards: names n0 to n3.example of which a plan m-1 is made, whose first wave is
    /// approved; b.example, which was released; h.example, which is held; a token, a webhook and a zone. Not an agent's row: it
    /// isn't written by a command.
    package func fillGuardedTables() async throws {
        let names = (0..<4).map { FQDN(canonical: "n\($0).example") }
        let released = FQDN(canonical: "b.example")
        try await run(.registerBatch(names.map { .wanted(NewDomain(fqdn: $0)) }))
        try await run(.register(NewDomain(fqdn: released)))
        try await run(.release(released, ifMatch: nil))
        try await run(
            .createToken(
                TokenRecord(
                    id: "a", name: "a", role: .admin, secretDigest: Array(repeating: 7, count: 32),
                    createdAt: Timestamp(milliseconds: 0))))
        try await run(.hold(NewDomain(fqdn: FQDN(canonical: "h.example")), for: .seconds(3600)))
        let plan = MigrationPlan(
            id: "m-1", name: "m", from: LocationName(canonical: "japan"),
            to: LocationName(canonical: "aws"), selection: .names(names),
            waves: [.count(2), .rest])
        guard case .migration(let migration) = try await run(.planMigration(plan)).outcome else {
            throw RegistryError.inconsistent
        }
        try await run(
            .approveWave(
                WaveName(migration: "m-1", number: 1), planDigest: migration.digestText),
            by: "lead")
        try await run(
            .putWebhook(
                WebhookName(canonical: "chat"),
                WebhookSettings(url: try WebhookURL("https://chat.example"), actions: [.moved]),
                secret: nil, spare: .random()))
        _ = try await zoneSerial(
            of: FQDN(canonical: "z.example"), digest: Array(repeating: 7, count: 32),
            at: Revision(1), above: 0)
    }

    @discardableResult
    private func run(
        _ command: Command, by name: String = "tester"
    ) async throws(RegistryError) -> Committed {
        try await commit(
            CommitRequest(
                command, by: Actor(token: name, name: name, role: .admin), requestID: "r"))
    }
}
