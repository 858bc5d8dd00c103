import GRDB
import RegistryLedger
import RegistryModel
import StoreCore

// What is written beside the log, between two groups.

extension SQLiteStore {
    package func note(tokenUses: [String: Timestamp]) async throws(RegistryError) {
        try await writer.besides { [writer] transaction in
            let now = writer.time
            for (token, time) in tokenUses {
                try transaction.note(useOf: token, at: time, now: now)
            }
        }
    }

    package func forgetKeys(atMost limit: Int) async throws(RegistryError) -> Int {
        try await writer.besides { [writer] transaction in
            let oldest = writer.time.adding(.zero - IdempotencyRecord.lifetime)
            return try transaction.forgetKeys(through: oldest, atMost: limit)
        }
    }
}

extension SQLiteTransaction {
    /// The later use counts; one that a clock which ran ahead has noted is as late as now.
    fileprivate func note(useOf token: String, at time: Timestamp, now: Timestamp) throws {
        try run(
            """
            INSERT INTO token_use (token, last_used_at)
            SELECT id, min(?1, ?3) FROM token WHERE id = ?2
            ON CONFLICT (token) DO UPDATE
            SET last_used_at = min(max(last_used_at, excluded.last_used_at), ?3)
            """, [time.milliseconds, token, now.milliseconds])
    }

    fileprivate func forgetKeys(through oldest: Timestamp, atMost limit: Int) throws -> Int {
        try run(
            """
            DELETE FROM idempotency WHERE (token, key) IN (
                SELECT token, key FROM idempotency WHERE created_at <= ?
                ORDER BY created_at LIMIT ?)
            """, [oldest.milliseconds, limit])
        return db.changesCount
    }
}
