import RegistryLedger
import RegistryModel

extension AgentRecord {
    package static let columns = """
        name, epoch, revision, first_seen, last_seen, evicted_at, evicted_token, evicted_name, evicted_role,
        eviction_reason, eviction_ticket, ahead_epoch, ahead_revision, fences, lease_until
        """
    package static let select = "SELECT \(columns) FROM agent"

    package init(row: SQLRow) throws { try self.init(row: row, from: 0) }

    /// - Parameter column: where `columns` begin.
    package init(row: SQLRow, from column: Int) throws {
        self.init(
            name: AgentName(canonical: try row.text(column)),
            applied: try row.textIfPresent(column + 1).map {
                Position(epoch: Epoch($0), revision: try row.revision(column + 2))
            },
            firstSeen: try row.time(column + 3), lastSeen: try row.time(column + 4),
            eviction: try row.timeIfPresent(column + 5).map { at in
                Eviction(
                    at: at,
                    actor: Actor(
                        token: try row.text(column + 6), name: try row.text(column + 7),
                        role: try row.word(column + 8)),
                    note: Note(
                        reason: try row.textIfPresent(column + 9),
                        ticket: try row.textIfPresent(column + 10)))
            },
            ahead: try row.textIfPresent(column + 11).map {
                Position(epoch: Epoch($0), revision: try row.revision(column + 12))
            }, fences: try row.flag(column + 13), leaseUntil: try row.timeIfPresent(column + 14))
    }
}

extension Rewind.Evidence {
    /// What agents say of a rewind; nil where none has more than the log. Evicted ones don't count.
    package static func ofAgents(_ session: some SQLSession) throws -> Rewind.Evidence? {
        try session.first(
            """
            SELECT a.name, CASE WHEN a.ahead_epoch = h.epoch THEN a.ahead_revision ELSE a.revision END,
                count(*) OVER ()
            FROM agent AS a, head AS h
            WHERE (a.evicted_at IS NULL OR a.evicted_at < a.last_seen)
                AND (a.ahead_epoch = h.epoch OR a.epoch = h.epoch AND a.revision > h.revision)
            ORDER BY 2 DESC, 1 LIMIT 1
            """
        ) { row in
            .agent(
                AgentName(canonical: try row.text(0)), try row.revision(1),
                count: try row.integer(2))
        }
    }
}
