import NIOCore
import RegistryAPI
import RegistryModel

extension RegistryClient {
    /// What a migration shall move, and how.
    package struct MigrationPlan: Sendable {
        package enum Selection: Sendable {
            /// At most 1,000,000.
            case names([String])
            /// All of these have to hold; none: everything.
            case filter(
                suffix: String?, prefix: String?, tenant: String?, registeredBefore: String?,
                samplePercent: Double?)
        }

        package enum Wave: Sendable, Equatable {
            case count(Int)
            /// Of the eligible, above 0 and at most 100.
            case percent(Double)
            case rest
        }

        package var name: String?
        package var from: String
        package var to: String
        package var selection: Selection
        /// Empty: one wave of everything.
        package var waves: [Wave]
        /// none, read_only or reject; nil: none.
        package var freeze: String?

        package init(
            name: String?, from: String, to: String, selection: Selection, waves: [Wave],
            freeze: String?
        ) {
            self.name = name
            self.from = from
            self.to = to
            self.selection = selection
            self.waves = waves
            self.freeze = freeze
        }
    }

    /// - Parameter dryRun: only says what the plan would be.
    package func planMigration(
        _ plan: MigrationPlan, dryRun: Bool, note: Note, idempotencyKey: String? = nil
    ) async throws -> Received<Migration> {
        try Received(
            await send(
                .POST, "/v1/migrations", query: [("dry_run", dryRun ? "true" : nil)],
                body: Self.body(of: plan, note), headers: Self.idempotency(idempotencyKey),
                timeout: .minutes(5)))
    }

    package func migrations(
        state: String?, limit: Int, cursor: String? = nil
    ) async throws -> ListPage<Migration> {
        try await send(
            .GET, "/v1/migrations",
            query: [("state", state), ("limit", String(limit)), ("cursor", cursor)]
        ).decode()
    }

    package func migration(_ id: String) async throws -> Received<Migration> {
        try Received(await send(.GET, "/v1/migrations/\(Self.escape(id))"))
    }

    package func migrationDomains(
        of id: String, wave: Int?, status: String?, limit: Int, cursor: String? = nil
    ) async throws -> ListPage<MigrationDomain> {
        try await send(
            .GET, "/v1/migrations/\(Self.escape(id))/domains",
            query: [
                ("wave", wave.map(String.init)), ("status", status), ("limit", String(limit)),
                ("cursor", cursor),
            ]
        ).decode()
    }

    package func finalizeMigration(
        _ id: String, note: Note, idempotencyKey: String? = nil
    ) async throws -> Received<Migration> {
        try await close(id, "finalize", note, idempotencyKey)
    }

    package func cancelMigration(
        _ id: String, note: Note, idempotencyKey: String? = nil
    ) async throws -> Received<Migration> {
        try await close(id, "cancel", note, idempotencyKey)
    }

    private func close(
        _ id: String, _ verb: String, _ note: Note, _ idempotencyKey: String?
    ) async throws -> Received<Migration> {
        try Received(
            await send(
                .POST, "/v1/migrations/\(Self.escape(id))/\(verb)",
                body: Self.object { $0.note(note) }, headers: Self.idempotency(idempotencyKey),
                timeout: .minutes(2)))
    }

    private static func body(of plan: MigrationPlan, _ note: Note) -> [UInt8] {
        object { writer in
            writer.fieldIfPresent("name", plan.name)
            writer.field("from", plan.from)
            writer.field("to", plan.to)
            writer.key("select")
            writer.selection(plan.selection)
            if !plan.waves.isEmpty {
                writer.key("waves")
                writer.beginArray()
                for wave in plan.waves { writer.wave(wave) }
                writer.endArray()
            }
            writer.fieldIfPresent("freeze", plan.freeze)
            writer.note(note)
        }
    }
}

extension JSONWriter {
    fileprivate mutating func selection(_ selection: RegistryClient.MigrationPlan.Selection) {
        beginObject()
        switch selection {
        case .names(let names):
            key("fqdns")
            beginArray()
            for name in names { string(name) }
            endArray()
        case .filter(let suffix, let prefix, let tenant, let registeredBefore, let samplePercent):
            key("where")
            beginObject()
            fieldIfPresent("suffix", suffix)
            fieldIfPresent("prefix", prefix)
            fieldIfPresent("tenant", tenant)
            fieldIfPresent("registered_before", registeredBefore)
            endObject()
            if let samplePercent {
                key("sample_percent")
                percent(samplePercent)
            }
        }
        endObject()
    }

    fileprivate mutating func wave(_ wave: RegistryClient.MigrationPlan.Wave) {
        beginObject()
        switch wave {
        case .count(let count): field("count", count)
        case .percent(let share):
            key("percent")
            percent(share)
        case .rest: field("rest", true)
        }
        endObject()
    }

    /// 10, not 10.0: the request reads as a person would write it.
    private mutating func percent(_ share: Double) {
        if let whole = Int(exactly: share) { integer(whole) } else { number(share) }
    }
}
