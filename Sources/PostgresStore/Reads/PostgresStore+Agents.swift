import RegistryLedger
import RegistryModel
import StoreCore

extension PostgresStore {
    /// What stamps agents: the database's clock, which all nodes share.
    private var agentTime: SQLValue { .number(agentClock?().milliseconds) }

    package func agents() async throws(RegistryError) -> [AgentRecord] {
        try await agentRoll().agents
    }

    package func agentRoll() async throws(RegistryError) -> AgentRoll {
        let time = agentTime
        return try await askingPrimary { connection in
            let rows = try connection.query(
                """
                SELECT pg_is_in_recovery(), c.time, \(AgentRecord.columns)
                FROM (SELECT \(SQLDialect.postgres.time("$1")) AS time) AS c LEFT JOIN agent ON true ORDER BY name
                """, [time])
            guard let first = rows.first else { throw RegistryError.inconsistent }
            let agents = try rows.map { $0.isNull(2) ? nil : try AgentRecord(row: $0, from: 2) }
            return (rows, AgentRoll(agents: agents.compactMap(\.self), time: try first.time(1)))
        }
    }

    package func convergence(
        at position: Position, lease: Duration
    ) async throws(RegistryError) -> Convergence {
        let time = agentTime
        return try await askingPrimary { connection in
            let rows = try connection.query(
                """
                SELECT pg_is_in_recovery(), count(*),
                    string_agg(name, ' ' ORDER BY name) FILTER (WHERE NOT has)
                FROM (
                    SELECT name,
                        coalesce(epoch = $2 AND revision >= $3, false)
                            AND last_seen BETWEEN c.time - $4 AND c.time + $4 AS has
                    FROM agent, (SELECT \(SQLDialect.postgres.time("$1")) AS time) AS c
                    WHERE evicted_at IS NULL OR evicted_at < last_seen
                ) AS known
                """,
                [
                    time, .text(position.epoch.text), .number(position.revision.number),
                    .number(lease.milliseconds),
                ])
            guard let row = rows.first else { throw RegistryError.inconsistent }
            let names = try row.textIfPresent(2) ?? ""
            let lagging = names.split(separator: " ").map { AgentName(canonical: String($0)) }
            let count = try row.integer(1)
            return (
                rows,
                Convergence(agents: count, converged: count - lagging.count, lagging: lagging)
            )
        }
    }

    package func headOfPrimary() async throws(RegistryError) -> Head {
        try await askingPrimary { connection in
            let rows = try connection.query("SELECT pg_is_in_recovery()")
            return (rows, try Head.read(connection))
        }
    }

    /// Asks a server that takes writes: a standby may be behind.
    ///
    /// - Parameter ask: its first column says whether the server is one.
    private func askingPrimary<Value: Sendable>(
        _ ask: @escaping @Sendable (PostgresConnection) throws -> (ResultRows, Value)
    ) async throws(RegistryError) -> Value {
        try await asking(.own) { connection in
            let (rows, value) = try ask(connection)
            guard try rows.first?.flag(0) == false else {
                // Another connection may find the primary.
                connection.close()
                throw PostgresFailure.lost("the server is a standby")
            }
            return value
        }
    }
}

extension PostgresStore {
    package func note(
        _ reports: [AgentReport], limit: Int
    ) async throws(RegistryError) -> [AgentName: Timestamp] {
        guard !reports.isEmpty else { return [:] }
        // In one order, so that two nodes that write the same rows don't wait for each other.
        let reports = reports.sorted { $0.name < $1.name }
        let time = agentTime
        return try await asking(.own) { connection in
            // Those first that may be repeated: where the second statement fails, all are.
            var sightings = try Self.takeOver(
                reports.filter { $0.follows == nil }, limit: limit, time, connection)
            sightings += try Self.renew(reports.filter { $0.follows != nil }, time, connection)
            return Dictionary(sightings) { $1 }
        }
    }

    /// `AgentRecord.take` of those that come after whatever is there.
    private static func takeOver(
        _ reports: [AgentReport], limit: Int, _ time: SQLValue, _ connection: PostgresConnection
    ) throws -> [(AgentName, Timestamp)] {
        guard !reports.isEmpty else { return [] }
        return try connection.query(
            """
            INSERT INTO agent AS a (
                name, epoch, revision, first_seen, last_seen, ahead_epoch, ahead_revision)
            SELECT n.name, n.epoch, n.revision, c.time - n.age, c.time - n.age, n.ahead_epoch,
                n.ahead_revision
            FROM (
                SELECT n.*, k.name IS NULL AS is_new,
                    row_number() OVER (PARTITION BY k.name IS NULL ORDER BY n.name) AS number
                FROM unnest($2, $3, $4, $5, $6, $7)
                    AS n (name, epoch, revision, age, ahead_epoch, ahead_revision)
                LEFT JOIN agent AS k ON k.name = n.name
            ) AS n, (SELECT \(SQLDialect.postgres.time("$1")) AS time) AS c
            WHERE NOT n.is_new OR n.number + (
                SELECT count(*) FROM agent WHERE evicted_at IS NULL OR evicted_at < last_seen
            ) <= $8
            ORDER BY n.name COLLATE "C"
            ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch, revision = excluded.revision,
                last_seen = \(sighting("excluded.last_seen")),
                ahead_epoch = coalesce(excluded.ahead_epoch, a.ahead_epoch),
                ahead_revision = coalesce(excluded.ahead_revision, a.ahead_revision)
            RETURNING a.name, a.last_seen
            """, [time] + parameters(reports) + [.number(Int64(limit))]
        ).map { (AgentName(canonical: try $0.text(0)), try $0.time(1)) }
    }

    /// `AgentRecord.take` of those that follow a sighting.
    private static func renew(
        _ reports: [AgentReport], _ time: SQLValue, _ connection: PostgresConnection
    ) throws -> [(AgentName, Timestamp)] {
        guard !reports.isEmpty else { return [] }
        let counts = """
            a.last_seen = n.follows
                AND (a.evicted_at IS NULL OR a.evicted_at < greatest(a.last_seen, n.seen))
            """
        return try connection.query(
            """
            WITH n AS MATERIALIZED (
                SELECT n.*, c.time - n.age AS seen
                FROM unnest($2, $3, $4, $5, $6, $7, $8)
                        AS n (name, epoch, revision, age, ahead_epoch, ahead_revision, follows),
                    (SELECT \(SQLDialect.postgres.time("$1")) AS time) AS c
            ), locked AS MATERIALIZED (
                SELECT a.name FROM agent AS a JOIN n ON n.name = a.name
                WHERE \(counts) ORDER BY a.name FOR UPDATE OF a
            )
            UPDATE agent AS a SET epoch = n.epoch, revision = n.revision,
                last_seen = \(sighting("n.seen")),
                ahead_epoch = coalesce(n.ahead_epoch, a.ahead_epoch),
                ahead_revision = coalesce(n.ahead_revision, a.ahead_revision)
            FROM n JOIN locked ON locked.name = n.name
            WHERE a.name = n.name AND \(counts)
            RETURNING a.name, a.last_seen
            """, [time] + parameters(reports) + [.numbers(reports.map { $0.follows?.milliseconds })]
        ).map { (AgentName(canonical: try $0.text(0)), try $0.time(1)) }
    }

    private static func sighting(_ seen: String) -> String {
        """
        CASE WHEN \(seen) <> a.last_seen AND \(seen) > greatest(a.first_seen, a.evicted_at)
            THEN \(seen) ELSE greatest(a.last_seen, a.evicted_at) + 1 END
        """
    }

    private static func parameters(_ reports: [AgentReport]) -> [SQLValue] {
        [
            .texts(reports.map(\.name.text)), .texts(reports.map { $0.applied?.epoch.text }),
            .numbers(reports.map { $0.applied?.revision.number }),
            .numbers(reports.map { $0.age().milliseconds }),
            .texts(reports.map { $0.ahead?.epoch.text }),
            .numbers(reports.map { $0.ahead?.revision.number }),
        ]
    }

    package func evict(
        _ agent: AgentName, by actor: Actor, _ note: Note, idempotency key: IdempotencyKey?
    ) async throws(RegistryError) -> Eviction? {
        let time = agentTime
        // Not again where its answer was lost: it would find the agent evicted.
        let at = try await asking(.own, isRepeatable: false) { [clock] connection -> Timestamp? in
            let now = try clock.read(connection)
            try connection.query("BEGIN")
            do {
                let isReplay = {
                    try key.map {
                        try IdempotencyRecord.read(connection, token: $0.token, key: $0.key)?
                            .replay(of: $0, at: now) != nil
                    } ?? false
                }
                var at: Timestamp?
                if try !isReplay() {
                    at = try Self.evict(agent, at: time, actor, note, connection)
                    // The row's lock was waited for: by now the same request may have been there.
                    guard try at != nil || isReplay() else {
                        throw RegistryError.unknownAgent(agent.text)
                    }
                }
                if let key, at != nil {
                    let record = IdempotencyRecord(
                        key: key, revision: try Head.read(connection).revision,
                        outcome: .agentEvicted, createdAt: now)
                    _ = try connection.pipeline([IdempotencyRecord.insertion(of: [record])])
                }
                try connection.query("COMMIT")
                return at
            } catch {
                if connection.isAlive { try connection.query("ROLLBACK") }
                throw error
            }
        }
        return at.map { Eviction(at: $0, actor: actor, note: note) }
    }

    /// - Returns: when it was evicted; nil where there's none to evict.
    private static func evict(
        _ agent: AgentName, at time: SQLValue, _ actor: Actor, _ note: Note,
        _ connection: PostgresConnection
    ) throws -> Timestamp? {
        try connection.query(
            """
            UPDATE agent SET evicted_at = greatest(\(SQLDialect.postgres.time("$1")), last_seen),
                evicted_token = $2, evicted_name = $3, evicted_role = $4, eviction_reason = $5,
                eviction_ticket = $6, ahead_epoch = NULL, ahead_revision = NULL
            WHERE name = $7 AND (evicted_at IS NULL OR evicted_at < last_seen)
            RETURNING evicted_at
            """,
            [
                time, .text(actor.token), .text(actor.name), .text(actor.role.rawValue),
                .text(note.reason), .text(note.ticket), .text(agent.text),
            ]
        ).first?.time(0)
    }

    package func forgetAgents(
        silentFor silence: Duration
    ) async throws(RegistryError) -> [AgentName] {
        let time = agentTime
        return try await asking(.own) { connection in
            try connection.query(
                """
                DELETE FROM agent
                WHERE evicted_at >= last_seen AND evicted_at < \(SQLDialect.postgres.time("$1")) - $2
                RETURNING name
                """, [time, .number(silence.milliseconds)]
            ).map { AgentName(canonical: try $0.text(0)) }.sorted()
        }
    }

    /// PostgreSQL's own tools do that.
    package func backup() async throws(RegistryError) -> StoreCopy {
        throw .backupUnsupported
    }
}

extension Duration {
    fileprivate var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
