import RegistryLedger
import RegistryModel

extension SQLStore {
    package func note(
        _ reports: [AgentReport], limit: Int
    ) async throws(RegistryError) -> [AgentName: Timestamp] {
        guard !reports.isEmpty else { return [:] }
        // In one order, so that two nodes that write the same rows don't wait for each other.
        let reports = reports.sorted { $0.name < $1.name }
        let time = agentTime
        return try await writing(isRepeatable: true) { session in
            while true {
                let agents = try AgentRecord.taking(reports, by: time, limit: limit, session)
                // Where another node was faster with a new one, that one's row is there now.
                guard try agents.write(session) else { continue }
                return agents.sightings
            }
        }
    }

    package func evict(
        _ agent: AgentName, by actor: Actor, _ note: Note, idempotency key: IdempotencyKey?
    ) async throws(RegistryError) -> Eviction? {
        let time = agentTime
        // Not again where its answer was lost: it would find the agent evicted.
        let at = try await writing(isRepeatable: false) { session -> Timestamp? in
            let now = try self.time(session)
            let isReplay = {
                try key.flatMap {
                    try IdempotencyRecord.read(session, token: $0.token, key: $0.key)?
                        .replay(of: $0, at: now)
                } != nil
            }
            guard try !isReplay() else { return nil }
            guard let at = try agent.evict(at: time, actor, note, session) else {
                // The row's lock was waited for: by now the same request may have been there.
                guard try isReplay() else { throw RegistryError.unknownAgent(agent.text) }
                return nil
            }
            if let key {
                try IdempotencyRecord(
                    key: key, revision: try Head.read(session).revision, outcome: .agentEvicted,
                    createdAt: now
                ).write(session)
            }
            return at
        }
        return at.map { Eviction(at: $0, actor: actor, note: note) }
    }

    package func forgetAgents(
        silentFor silence: Duration
    ) async throws(RegistryError) -> [AgentName] {
        // The writer isn't asked for nothing.
        let isThere = try await asking(.own) { session in
            try session.exists("SELECT 1 FROM agent WHERE evicted_at >= last_seen LIMIT 1")
        }
        guard isThere else { return [] }
        let time = agentTime
        return try await writing(isRepeatable: true) { session in
            let end = try session.time(time).adding(.zero - silence)
            return try session.rows(
                """
                DELETE FROM agent WHERE evicted_at >= last_seen AND evicted_at < $1 RETURNING name
                """, [.number(end.milliseconds)]
            ) { AgentName(canonical: try $0.text(0)) }.sorted()
        }
    }
}

/// What reports make of agents, yet to be written.
private struct AgentWrites {
    var new: [AgentRecord] = []
    var changed: [AgentRecord] = []

    var sightings: [AgentName: Timestamp] {
        Dictionary((new + changed).map { ($0.name, $0.lastSeen) }) { $1 }
    }

    /// - Returns: false where one that should be new is there already; then nothing else was written.
    func write(_ session: some SQLSession) throws -> Bool {
        // Not an upsert: a trigger keeps SQLite's rows from being inserted in the place of others.
        let inserted = try session.run(
            """
            INSERT INTO agent
                (epoch, revision, last_seen, ahead_epoch, ahead_revision, fences, lease_until, name,
                first_seen)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (name) DO NOTHING
            """, each: new.map { $0.values + [.number($0.firstSeen.milliseconds)] })
        guard inserted == new.count else { return false }
        try session.run(
            """
            UPDATE agent SET epoch = $1, revision = $2, last_seen = $3, ahead_epoch = $4,
                ahead_revision = $5, fences = $6, lease_until = $7
            WHERE name = $8
            """, each: changed.map(\.values))
        return true
    }
}

extension AgentRecord {
    /// Takes reports in, where they count. The rows are locked until the end of the transaction.
    ///
    /// - Parameters:
    ///   - reports: by name.
    ///   - time: the clock that stamps them. It's read when the rows are locked: nobody has a later sighting then.
    ///   - limit: agents that count, at most: a new one beyond isn't taken in.
    fileprivate static func taking(
        _ reports: [AgentReport], by time: SQLValue, limit: Int, _ session: some SQLSession
    ) throws -> AgentWrites {
        let asked = session.dialect.texts("$1", as: "asked")
        let known = Dictionary(
            uniqueKeysWithValues: try session.rows(
                """
                \(select) WHERE name IN (SELECT asked.value FROM \(asked))
                ORDER BY name \(session.dialect.forUpdate)
                """, [.texts(reports.map(\.name.text))]
            ) { row in
                let agent = try AgentRecord(row: row)
                return (agent.name, agent)
            })
        let now = try session.time(time)
        var places = 0
        if reports.contains(where: { known[$0.name] == nil }) {
            places =
                try limit
                - session.count(
                    "SELECT count(*) FROM agent WHERE evicted_at IS NULL OR evicted_at < last_seen")
        }
        var taken = AgentWrites()
        for report in reports {
            let seen = now.adding(.zero - report.age())
            if var agent = known[report.name] {
                if agent.take(report, seen: seen, now: now) { taken.changed.append(agent) }
            } else if report.follows == nil, taken.new.count < places {
                taken.new.append(
                    AgentRecord(
                        name: report.name, applied: report.applied, firstSeen: seen,
                        lastSeen: seen, ahead: report.ahead, fences: report.lease != nil,
                        leaseUntil: report.lease.map { seen.adding($0) }))
            }
        }
        return taken
    }

    /// What a report changes, and the name.
    fileprivate var values: [SQLValue] {
        [
            .text(applied?.epoch.text), .number(applied?.revision.number),
            .number(lastSeen.milliseconds), .text(ahead?.epoch.text),
            .number(ahead?.revision.number), .flag(fences), .number(leaseUntil?.milliseconds),
            .text(name.text),
        ]
    }
}

extension AgentName {
    /// - Returns: when it was evicted, which is no earlier than anything that was seen of it; nil where there's none
    ///   to evict.
    fileprivate func evict(
        at time: SQLValue, _ actor: Actor, _ note: Note, _ session: some SQLSession
    ) throws -> Timestamp? {
        let dialect = session.dialect
        return try session.first(
            """
            UPDATE agent SET evicted_at = \(dialect.greatest(dialect.time("$1"), "last_seen")),
                evicted_token = $2, evicted_name = $3, evicted_role = $4, eviction_reason = $5,
                eviction_ticket = $6, ahead_epoch = NULL, ahead_revision = NULL
            WHERE name = $7 AND (evicted_at IS NULL OR evicted_at < last_seen)
            RETURNING evicted_at
            """,
            [
                time, .text(actor.token), .text(actor.name), .text(actor.role.rawValue),
                .text(note.reason), .text(note.ticket), .text(text),
            ]
        ) { try $0.time(0) }
    }
}
