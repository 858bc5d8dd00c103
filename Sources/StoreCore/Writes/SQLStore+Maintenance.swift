import RegistryLedger
import RegistryModel

// What is written beside the log.

extension SQLStore {
    /// The later use counts; one that a clock which ran ahead has noted is as late as now.
    package func note(tokenUses: [String: Timestamp]) async throws(RegistryError) {
        // In one order: two nodes that write the same rows must not wait for each other.
        let uses = tokenUses.sorted { $0.key < $1.key }
        let now = timeValue
        let dialect = Session.dialect
        let later = dialect.greatest("token_use.last_used_at", "excluded.last_used_at")
        try await writing(isRepeatable: true) { session in
            try session.run(
                """
                INSERT INTO token_use (token, last_used_at)
                SELECT id, \(dialect.least("$2", dialect.time("$3"))) FROM token WHERE id = $1
                ON CONFLICT (token) DO UPDATE
                SET last_used_at = \(dialect.least(later, dialect.time("$3")))
                """, each: uses.map { [.text($0.key), .number($0.value.milliseconds), now] })
            return ()
        }
    }

    /// What another node is at is its own.
    package func forgetKeys(atMost limit: Int) async throws(RegistryError) -> Int {
        try await writing(isRepeatable: true) { session in
            let oldest = try time(session).adding(.zero - IdempotencyRecord.lifetime)
            return try session.run(
                """
                DELETE FROM idempotency WHERE (token, key) IN (
                    SELECT token, key FROM idempotency WHERE created_at <= $1
                    ORDER BY created_at LIMIT $2 \(session.dialect.forUpdateIfFree))
                """, [.number(oldest.milliseconds), .number(limit)])
        }
    }
}
