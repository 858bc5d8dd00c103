import GRDB
import Migrations
import RegistryModel
import StoreCore

/// The schema as its migration files make it, to hold a store's own against: rules that are gone, that
/// say something else, or that nobody knows. Tables that it doesn't have, with what belongs to them, are
/// somebody else's: they're named, and left alone.
struct SchemaCheck: Sendable {
    /// By kind and name: the statement that made it.
    private let expected: [String: Part]
    /// The locations that the schema comes with.
    let locations: [Location]
    let hasFacets: Bool

    /// - Parameter migrations: those that the store has.
    init(_ migrations: [SchemaFile]) throws {
        let reference = try DatabaseQueue()
        (expected, locations, hasFacets) = try reference.writeWithoutTransaction { db in
            try SchemaMigrator(files: migrations, now: { Timestamp(milliseconds: 0) }).run(db)
            return (
                try Self.read(db),
                try db.rows(Location.select, [], Location.init(row:)),
                try db.tableExists("revision_facet")
            )
        }
    }

    /// The migrations that a store has had.
    /// - Throws: `StoreOpeningError` for one that this version doesn't know, or that was edited.
    static func applied(to db: Database, of known: [SchemaFile]) throws -> [SchemaFile] {
        try SchemaMigrator(files: known, now: { Timestamp(milliseconds: 0) }).applied(db)
    }

    /// What somebody made, and what it's on.
    private struct Part: Equatable {
        var table: String
        var sql: String
    }

    /// - Returns: what is wrong with the store's own schema, and the tables and views that aren't its own.
    func compare(_ db: Database) throws -> (flaws: [Verification.Flaw], foreign: [String]) {
        let found = try Self.read(db)
        let own = Set(expected.values.map(\.table))
        let flaws = Set(expected.keys).union(found.keys).sorted().compactMap {
            name -> Verification.Flaw? in
            switch (expected[name], found[name]) {
            case (nil, let part?) where !own.contains(part.table): nil
            case (nil, _): .init(nil, "the schema has a \(name) that isn't its own")
            case (_, nil): .init(nil, "the \(name) is missing from the schema")
            case (let wanted, let text) where wanted != text:
                .init(nil, "the \(name) isn't what the schema says")
            default: nil
            }
        }
        return (flaws, Set(found.values.map(\.table)).subtracting(own).sorted())
    }

    /// SQLite keeps each statement as it was written. Its own tables and the indexes of its own have
    /// none, or a name of theirs.
    private static func read(_ db: Database) throws -> [String: Part] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT type || ' ' || name AS name, tbl_name, coalesce(sql, '') AS text
                FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
                """)
        return Dictionary(
            rows.map { ($0["name"] as String, Part(table: $0["tbl_name"], sql: $0["text"])) },
            uniquingKeysWith: { Part(table: $0.table, sql: $0.sql + $1.sql) })
    }
}
