import RegistryAPI
import RegistryClient
import RegistryModel
import Testing

// A migration from the outside, for tests on the real binary.

extension RegistryClient {
    /// Registers many at japan.
    func registerAll(_ names: [String]) async throws {
        for start in stride(from: 0, to: names.count, by: 10_000) {
            let part = names[start..<min(start + 10_000, names.count)]
            let batch = try await registerBatch(
                part.map { BatchRegistration.Row(fqdn: $0) },
                note: .init())
            try #require(batch.results.allSatisfy { $0.isRegistered })
        }
    }

    /// Plans to move everything at `from`, in one wave.
    func plan(
        from: String = "japan", to: String = "aws", freeze: String = "none",
        names: [String]? = nil
    ) async throws -> Migration {
        try await planMigration(
            PlanRequest(
                name: nil, from: from, to: to,
                selection: names.map { .names($0) }
                    ?? .filter([], samplePercent: nil), waves: [], freeze: freeze),
            dryRun: false, note: .init()
        ).value
    }

    /// One step of a migration's only wave.
    func take(
        _ step: WaveVerb, of migration: Migration, key: String? = nil
    ) async throws -> Answer {
        let headers = key.map { [("Idempotency-Key", $0)] } ?? []
        return try await send(
            .POST, "/v1/migrations/\(migration.id)/waves/1/\(step.rawValue)",
            body: Array(step.body(migration).utf8), headers: headers, timeout: .minutes(2))
    }
}

enum WaveVerb: String, CaseIterable {
    case freeze, cutover, rollback, thaw

    /// The state of the wave once this has been done.
    var state: String {
        switch self {
        case .freeze: "frozen"
        case .cutover: "moved"
        case .rollback: "rolled_back"
        case .thaw: "planned"
        }
    }

    func body(_ migration: Migration) -> String {
        let size = migration.waves.first?.size ?? 0
        let agreement = #""plan_digest":"\#(migration.digestText)","expected_count":\#(size)"#
        return switch self {
        case .freeze: #"{\#(agreement),"deadline_seconds":3600}"#
        case .cutover: "{\(agreement)}"
        case .rollback, .thaw: "{}"
        }
    }
}
