import RegistryModel

extension PostgresStore {
    public func agents() async throws(RegistryError) -> [AgentRecord] {
        try await asking { connection in
            try connection.query(
                """
                SELECT name, epoch, revision, first_seen, last_seen, evicted_at, evicted_token,
                    evicted_name, evicted_role, eviction_reason, eviction_ticket
                FROM agent ORDER BY name
                """
            ).map(AgentRecord.init(row:))
        }
    }

    public func note(_ agents: [AgentRecord]) async throws(RegistryError) {
        guard !agents.isEmpty else { return }
        // Of a name that comes twice, the later sighting; in one order, so that two nodes that write
        // the same rows don't wait for each other.
        let latest = Dictionary(agents.map { ($0.name, $0) }) {
            $0.lastSeen < $1.lastSeen ? $1 : $0
        }
        .values.sorted { $0.name < $1.name }
        try await asking { connection in
            _ = try connection.query(
                """
                INSERT INTO agent (name, epoch, revision, first_seen, last_seen)
                SELECT n.name, n.epoch, n.revision, least(n.first_seen, n.last_seen), n.last_seen
                FROM unnest($1, $2, $3, $4, $5) AS n (name, epoch, revision, first_seen, last_seen)
                ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch,
                    revision = excluded.revision, last_seen = excluded.last_seen
                WHERE agent.last_seen < excluded.last_seen
                """,
                [
                    .texts(latest.map(\.name.text)), .texts(latest.map { $0.applied?.epoch.text }),
                    .numbers(latest.map { $0.applied?.revision.number }),
                    .numbers(latest.map(\.firstSeen.milliseconds)),
                    .numbers(latest.map(\.lastSeen.milliseconds)),
                ])
        }
    }

    public func evict(_ agent: AgentName, _ eviction: Eviction) async throws(RegistryError) {
        // Not again where its answer was lost: it would find the agent evicted.
        let count = try await asking(isRepeatable: false) { connection in
            try connection.query(
                """
                UPDATE agent SET evicted_at = greatest($1, last_seen), evicted_token = $2,
                    evicted_name = $3, evicted_role = $4, eviction_reason = $5, eviction_ticket = $6
                WHERE name = $7 AND (evicted_at IS NULL OR evicted_at < last_seen)
                """,
                [
                    .number(eviction.at.milliseconds), .text(eviction.actor.token),
                    .text(eviction.actor.name), .text(eviction.actor.role.rawValue),
                    .text(eviction.note.reason), .text(eviction.note.ticket), .text(agent.text),
                ]
            ).changed
        }
        guard count > 0 else { throw RegistryError.unknownAgent(agent.text) }
    }

    /// PostgreSQL's own tools do that.
    public func backup() async throws(RegistryError) -> StoreCopy {
        throw .backupUnsupported
    }
}

extension AgentRecord {
    fileprivate init(row: ResultRow) {
        self.init(
            name: AgentName(canonical: row.text(0)),
            applied: row.textIfPresent(1).map {
                Position(epoch: Epoch($0), revision: row.revision(2))
            },
            firstSeen: row.time(3), lastSeen: row.time(4),
            eviction: row.timeIfPresent(5).map { at in
                Eviction(
                    at: at,
                    actor: Actor(
                        token: row.text(6), name: row.text(7),
                        role: Role(rawValue: row.text(8)) ?? .reader),
                    note: Note(reason: row.textIfPresent(9), ticket: row.textIfPresent(10)))
            })
    }
}
