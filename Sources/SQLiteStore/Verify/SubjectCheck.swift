import GRDB
import RegistryLedger
import RegistryModel
import StoreCore

/// Compares locations with the log, and finds tokens that the log knows and the table doesn't. Both
/// are few: they are looked at in one go.
struct SubjectCheck {
    /// The locations that the schema comes with.
    let seeds: [Location]

    func flaws(_ db: Database) throws -> [Verification.Flaw] {
        let log = try Row.fetchAll(
            db,
            sql: """
                SELECT subject, revision, after_detail FROM change_log
                WHERE subject IS NOT NULL AND action = 'location_changed'
                ORDER BY subject, revision, position
                """
        ).map { row in
            LocationCheck.Line(
                name: row["subject"], revision: Revision(row["revision"]),
                after: row["after_detail"])
        }
        let table = try db.rows(Location.select, [], Location.init(row:))
        return try LocationCheck(seeds: seeds).flaws(log: log, table: table)
            + (try missingTokens(db))
    }

    private func missingTokens(_ db: Database) throws -> [Verification.Flaw] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT c.subject, c.revision FROM change_log c
                WHERE c.subject IS NOT NULL AND c.action = 'token_created'
                    AND NOT EXISTS (SELECT 1 FROM token t WHERE t.id = c.subject)
                ORDER BY c.subject LIMIT 100
                """
        ).map { row in
            let id: String = row["subject"]
            return .init(
                Revision(row["revision"]), "the token \(id) is in the log and not in its table")
        }
    }
}
