import RegistryLedger
import RegistryModel

extension Head {
    package static let advance = "UPDATE head SET revision = $1, digest = $2, at = $3"

    /// The head of an empty log, under an epoch of its own, where the store has none.
    package static func makeIfMissing(_ session: some SQLSession, at time: Timestamp) throws {
        // No upsert: a trigger keeps the head from being replaced.
        try session.run(
            """
            INSERT INTO head (id, epoch, revision, digest, at)
            SELECT 1, $1, 0, $2, $3 WHERE NOT EXISTS (SELECT 1 FROM head)
            """,
            [
                .text(Epoch.random().text), .bytes(RevisionDigest.genesis),
                .number(time.milliseconds),
            ])
    }

    /// Gives the log another epoch: whoever has seen revisions of it may have seen some that it will give away anew,
    /// and is told apart by that. Revision and digest stay.
    package static func begin(_ epoch: Epoch, _ session: some SQLSession) throws {
        try session.run("UPDATE head SET epoch = $1 WHERE epoch <> $1", [.text(epoch.text)])
    }
}

extension IdempotencyRecord {
    /// It takes the place of an older one with the same token and key.
    package static let insertion = """
        INSERT INTO idempotency (\(columns))
        VALUES ($1, $2, $3, $4, $5, $6) \(takingPlace)
        """
    package static let takingPlace = """
        ON CONFLICT (token, key) DO UPDATE SET request_digest = excluded.request_digest,
            revision = excluded.revision, outcome = excluded.outcome,
            created_at = excluded.created_at
        """

    package func write(_ session: some SQLSession) throws {
        try session.run(
            Self.insertion,
            [
                .text(key.token), .text(key.key), .bytes(key.requestDigest),
                .number(revision.number), .text(ChangeRow.text(outcome)),
                .number(createdAt.milliseconds),
            ])
    }
}
