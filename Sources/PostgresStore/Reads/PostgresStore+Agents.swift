import RegistryLedger
import RegistryModel
import StoreCore

extension PostgresStore {
    /// What stamps agents: the database's clock, which all nodes share.
    package var agentTime: SQLValue { .number(agentClock?().milliseconds) }

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
