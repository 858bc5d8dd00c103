import GRDB
import RegistryLedger
import RegistryModel

/// Compares locations with the log, and finds tokens that the log knows and the table doesn't. Both
/// are few: they are looked at in one go.
struct LocationCheck {
    /// The locations that the schema comes with: they have no line in the log until they change.
    let seeds: [Location]

    func flaws(_ db: Database) throws -> [Verification.Flaw] {
        var expected = Dictionary(uniqueKeysWithValues: seeds.map { ($0.name.text, $0) })
        var last: [String: Revision] = [:]
        let changes = try Row.fetchCursor(
            db,
            sql: """
                SELECT subject, revision, after_detail FROM change_log
                WHERE subject IS NOT NULL AND action = 'location_changed'
                ORDER BY subject, revision, position
                """)
        while let row = try changes.next() {
            let name: String = row["subject"]
            let settings: LocationSettings? = try ChangeRow.value(row["after_detail"])
            let revision = Revision(row["revision"])
            last[name] = revision
            expected[name] = settings.map {
                Location(name: LocationName(canonical: name), settings: $0, revision: revision)
            }
        }
        let rows = try Row.fetchAll(db, sql: "SELECT * FROM location").map(Location.init(row:))
        let found = Dictionary(uniqueKeysWithValues: rows.map { ($0.name.text, $0) })
        let locations = Set(found.keys).union(expected.keys).sorted().compactMap { name in
            flaw(name, table: found[name], log: expected[name], last[name] ?? .zero)
        }
        return locations + (try missingTokens(db))
    }

    private func flaw(
        _ name: String, table: Location?, log: Location?, _ revision: Revision
    ) -> Verification.Flaw? {
        guard table != log else { return nil }
        let what =
            switch (table, log) {
            case (nil, _): "the location \(name) is in the log and not in its table"
            case (_, nil): "the location \(name) is in its table, and by the log it shouldn't be"
            default: "the location \(name) isn't what the log says"
            }
        return .init(revision, what)
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
