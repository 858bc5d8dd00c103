import GRDB
import RegistryLedger
import RegistryModel
import StoreCore

extension SQLiteStore {
    package func agents() async throws(RegistryError) -> [AgentRecord] {
        try await reading(.own) { db in
            try db.rows("\(AgentRecord.select) ORDER BY name", [], AgentRecord.init(row:))
        }
    }

    package func note(
        _ reports: [AgentReport], limit: Int
    ) async throws(RegistryError) -> [AgentName: Timestamp] {
        guard !reports.isEmpty else { return [:] }
        return try await writer.besides { [writer] transaction in
            var sightings: [AgentName: Timestamp] = [:]
            for report in reports {
                let seen = writer.time.adding(.zero - report.age())
                guard let sighting = try transaction.note(report, seen: seen, limit: limit)
                else { continue }
                sightings[report.name] = sighting
            }
            return sightings
        }
    }

    package func evict(
        _ agent: AgentName, by actor: Actor, _ note: Note, idempotency key: IdempotencyKey?
    ) async throws(RegistryError) -> Eviction? {
        try await writer.besides { [writer] transaction -> Eviction? in
            let now = writer.time
            if let key,
                try transaction.idempotencyRecord(token: key.token, key: key.key)?
                    .replay(of: key, at: now) != nil
            {
                return nil
            }
            let eviction = try transaction.evict(
                agent, Eviction(at: now, actor: actor, note: note))
            if let key {
                try transaction.put(
                    IdempotencyRecord(
                        key: key, revision: transaction.head().revision, outcome: .agentEvicted,
                        createdAt: now))
            }
            return eviction
        }
    }

    package func forgetAgents(
        silentFor silence: Duration
    ) async throws(RegistryError) -> [AgentName] {
        // The writer isn't asked for nothing.
        let isThere = try await reading(.own) { db in
            try Bool.fetchOne(
                db, sql: "SELECT EXISTS (SELECT 1 FROM agent WHERE evicted_at >= last_seen)")
        }
        guard isThere == true else { return [] }
        return try await writer.besides { [writer] transaction in
            try transaction.forgetAgents(before: writer.time.adding(.zero - silence))
        }
    }
}

extension SQLiteTransaction {
    /// Not an upsert: a trigger keeps rows from being inserted in the place of others.
    /// - Returns: the sighting; nil where the report changes nothing.
    fileprivate func note(
        _ report: AgentReport, seen: Timestamp, limit: Int
    ) throws -> Timestamp? {
        let epoch = report.applied?.epoch.text
        let revision = report.applied?.revision.number
        guard var agent = try record(of: report.name) else {
            let count = try db.count(
                "SELECT count(*) FROM agent WHERE evicted_at IS NULL OR evicted_at < last_seen")
            guard count < limit, report.follows == nil else { return nil }
            try run(
                """
                INSERT INTO agent
                    (name, epoch, revision, first_seen, last_seen, ahead_epoch, ahead_revision)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    report.name.text, epoch, revision, seen.milliseconds, seen.milliseconds,
                    report.ahead?.epoch.text, report.ahead?.revision.number,
                ])
            return seen
        }
        guard agent.take(report, seen: seen) else { return nil }
        try run(
            """
            UPDATE agent SET epoch = ?, revision = ?, last_seen = ?, ahead_epoch = ?,
                ahead_revision = ?
            WHERE name = ?
            """,
            [
                epoch, revision, agent.lastSeen.milliseconds, agent.ahead?.epoch.text,
                agent.ahead?.revision.number, report.name.text,
            ])
        return agent.lastSeen
    }

    private func record(of name: AgentName) throws -> AgentRecord? {
        try db.first(
            "\(AgentRecord.select) WHERE name = $1", [.text(name.text)], AgentRecord.init(row:))
    }

    fileprivate func forgetAgents(before time: Timestamp) throws -> [AgentName] {
        let isOver = "evicted_at >= last_seen AND evicted_at < \(time.milliseconds)"
        let names = try Row.fetchAll(
            db, sql: "SELECT name FROM agent WHERE \(isOver) ORDER BY name"
        ).map { AgentName(canonical: $0["name"]) }
        if !names.isEmpty { try run("DELETE FROM agent WHERE \(isOver)", []) }
        return names
    }

    fileprivate func evict(_ agent: AgentName, _ eviction: Eviction) throws -> Eviction {
        guard let record = try record(of: agent), !record.isEvicted else {
            throw RegistryError.unknownAgent(agent.text)
        }
        var eviction = eviction
        // Nothing was seen of it later than this.
        eviction.at = max(eviction.at, record.lastSeen)
        try run(
            """
            UPDATE agent SET evicted_at = ?, evicted_token = ?, evicted_name = ?, evicted_role = ?,
                eviction_reason = ?, eviction_ticket = ?, ahead_epoch = NULL,
                ahead_revision = NULL
            WHERE name = ?
            """,
            [
                eviction.at.milliseconds, eviction.actor.token, eviction.actor.name,
                eviction.actor.role.rawValue, eviction.note.reason, eviction.note.ticket,
                agent.text,
            ])
        return eviction
    }
}
