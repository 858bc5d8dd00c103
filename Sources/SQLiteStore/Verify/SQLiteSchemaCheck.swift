import GRDB
import RegistryModel
import SchemaMigrations
import StoreCore

/// The schema as its migration files make it, to hold a file's own against.
struct SQLiteSchemaCheck: Sendable {
    let flaws: [Verification.Flaw]
    /// Tables and views that aren't the store's own: they're named, and left alone.
    let foreign: [String]
    /// The locations that the schema comes with.
    let locations: [Location]
    let contents: SchemaContents

    /// - Throws: `StoreOpeningError` for a migration that this version doesn't know, or that was edited.
    init(_ db: Database) throws {
        let files = try SchemaHistory<StoreOpeningError>(SchemaFile.sqlite).applied(db)
        let reference = try DatabaseQueue()
        let expected: [String: SchemaPart]
        let contents = SchemaContents(version: files.last?.version ?? 0)
        self.contents = contents
        (expected, locations) = try reference.writeWithoutTransaction { db in
            try SQLiteStore.bringSchema(db, files)
            let locations = try db.rows(Location.select(contents), [], Location.init(row:))
            return (try Self.read(db), locations)
        }
        let difference = SchemaDifference(try Self.read(db), from: expected)
        flaws = difference.flaws
        // Without the kind.
        foreign = difference.foreign.map { String($0.drop { $0 != " " }.dropFirst()) }.sorted()
    }

    /// SQLite keeps each statement as it was written. Its own tables and the indexes of its own have
    /// none, or a name of theirs.
    private static func read(_ db: Database) throws -> [String: SchemaPart] {
        let parts = try db.rows(
            """
            SELECT type || ' ' || name, coalesce(sql, ''), tbl_name, type IN ('table', 'view')
            FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
            """
        ) { row in
            let part = SchemaPart(
                text: try row.text(1), owner: try row.text(2), isWhole: try row.flag(3))
            return (try row.text(0), part)
        }
        return Dictionary(parts) { one, other in
            SchemaPart(text: one.text + other.text, owner: one.owner, isWhole: one.isWhole)
        }
    }
}
