import RegistryLedger
import RegistryModel
import StoreCore

// What is written beside the log.

extension PostgresStore {
    /// The later use counts; one that a clock which ran ahead has noted is as late as now.
    package func note(tokenUses: [String: Timestamp]) async throws(RegistryError) {
        let uses = tokenUses.sorted { $0.key < $1.key }
        let now = clock.parameter
        try await asking(.own) { connection in
            // In one order: two nodes that write the same rows must not wait for each other.
            _ = try connection.query(
                """
                INSERT INTO token_use (token, last_used_at)
                SELECT t.id, least(n.time, \(SQLDialect.postgres.time("$3")))
                FROM unnest($1, $2) AS n (token, time) JOIN token t ON t.id = n.token
                ORDER BY t.id
                ON CONFLICT (token) DO UPDATE
                SET last_used_at = least(greatest(token_use.last_used_at, excluded.last_used_at),
                    \(SQLDialect.postgres.time("$3")))
                """,
                [.texts(uses.map(\.key)), .numbers(uses.map(\.value.milliseconds)), now])
        }
    }

    /// What another node is at is its own.
    package func forgetKeys(atMost limit: Int) async throws(RegistryError) -> Int {
        try await asking(.own) { [clock] connection in
            let oldest = try clock.read(connection).adding(.zero - IdempotencyRecord.lifetime)
            return try connection.query(
                """
                DELETE FROM idempotency WHERE (token, key) IN (
                    SELECT token, key FROM idempotency WHERE created_at <= $1
                    ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)
                """, [.number(oldest.milliseconds), .number(Int64(limit))]
            ).changed
        }
    }
}
