import GRDB
import RegistryModel

extension SQLiteStore {
    public func agents() async throws(RegistryError) -> [AgentRecord] {
        try await reading { db in
            try Row.fetchAll(db, sql: "SELECT * FROM agent ORDER BY name").map(
                AgentRecord.init(row:))
        }
    }

    public func note(_ agents: [AgentRecord]) async throws(RegistryError) {
        guard !agents.isEmpty else { return }
        try await writer.besides { transaction in
            for agent in agents { try transaction.note(agent) }
        }
    }

    public func evict(_ agent: AgentName, _ eviction: Eviction) async throws(RegistryError) {
        try await writer.besides { try $0.evict(agent, eviction) }
    }
}

extension SQLiteTransaction {
    /// Not an upsert: a trigger keeps rows from being inserted in the place of others.
    fileprivate func note(_ agent: AgentRecord) throws {
        let name = agent.name.text
        let epoch = agent.applied?.epoch.text
        let revision = agent.applied?.revision.number
        let seen = agent.lastSeen.milliseconds
        guard try exists("SELECT 1 FROM agent WHERE name = ?", [name]) else {
            return try run(
                """
                INSERT INTO agent (name, epoch, revision, first_seen, last_seen) VALUES (?, ?, ?, ?, ?)
                """, [name, epoch, revision, min(agent.firstSeen.milliseconds, seen), seen])
        }
        try run(
            "UPDATE agent SET epoch = ?, revision = ?, last_seen = ? WHERE name = ? AND last_seen < ?",
            [epoch, revision, seen, name, seen])
    }

    fileprivate func evict(_ agent: AgentName, _ eviction: Eviction) throws {
        try run(
            """
            UPDATE agent SET evicted_at = max(?, last_seen), evicted_token = ?, evicted_name = ?,
                evicted_role = ?, eviction_reason = ?, eviction_ticket = ?
            WHERE name = ? AND coalesce(evicted_at < last_seen, 1)
            """,
            [
                eviction.at.milliseconds, eviction.actor.token, eviction.actor.name,
                eviction.actor.role.rawValue, eviction.note.reason, eviction.note.ticket,
                agent.text,
            ])
        guard db.changesCount > 0 else { throw RegistryError.unknownAgent(agent.text) }
    }
}

extension AgentRecord {
    init(row: Row) {
        let epoch: String? = row["epoch"]
        let revision: Int64? = row["revision"]
        let evicted: Int64? = row["evicted_at"]
        self.init(
            name: AgentName(canonical: row["name"]),
            applied: epoch.map { Position(epoch: Epoch($0), revision: Revision(revision ?? 0)) },
            firstSeen: Timestamp(milliseconds: row["first_seen"]),
            lastSeen: Timestamp(milliseconds: row["last_seen"]),
            eviction: evicted.map { at in
                Eviction(
                    at: Timestamp(milliseconds: at),
                    actor: Actor(
                        token: row["evicted_token"], name: row["evicted_name"],
                        role: Role(rawValue: row["evicted_role"]) ?? .reader),
                    note: Note(reason: row["eviction_reason"], ticket: row["eviction_ticket"]))
            })
    }
}
