import Crypto
import RegistryModel
import SchemaMigrations

/// Why a store's schema isn't this binary's, as an engine's opening says it.
package protocol SchemaRefusal: Error {
    static func newer(version: Int, known: Int) -> Self
    static func edited(version: Int, name: String) -> Self
    static func foreign(_ what: String) -> Self
}

/// The schema's files that a store has had, each recorded with its checksum: an edited file isn't taken for the old one.
///
/// - Throws: everything here throws `Refusal`, beside what the session does.
package struct SchemaHistory<Refusal: SchemaRefusal>: Sendable {
    private let files: [SchemaFile]

    package init(_ files: [SchemaFile]) {
        self.files = files
    }

    /// Brings a store to the newest schema.
    ///
    /// - Parameters:
    ///   - now: tells when a file is applied.
    ///   - transaction: runs what one file does.
    package func bring<Session: SQLSession>(
        _ session: Session, now: @escaping () throws -> Timestamp,
        transaction: (() throws -> Void) throws -> Void = { try $0() }
    ) throws {
        if try !Self.isThere(in: session) {
            guard try !session.exists(session.dialect.anyTable) else {
                throw Refusal.foreign("it holds tables, but none that records a schema")
            }
            try session.script(session.dialect.schemaTable)
        }
        let newest = try applied(session).map(\.version).max() ?? 0
        for file in files where file.version > newest {
            try transaction {
                try session.script(file.sql)
                try session.run(
                    """
                    INSERT INTO schema_migration (version, name, sha256, applied_at)
                    VALUES ($1, $2, $3, $4)
                    """,
                    [
                        .number(file.version), .text(file.name), .text(Self.checksum(file)),
                        .number(try now().milliseconds),
                    ])
            }
        }
    }

    /// Whether a store records its schema: what doesn't is none of ours.
    package static func isThere(in session: some SQLSession) throws -> Bool {
        try session.exists(session.dialect.hasSchemaTable)
    }

    /// The files that the store has had, oldest first.
    /// - Throws: `Refusal` for one that isn't known here, or that has been edited since.
    package func applied(_ session: some SQLSession) throws -> [SchemaFile] {
        let known = files.map(\.version).max() ?? 0
        return try session.rows(
            "SELECT version, sha256 FROM schema_migration ORDER BY version"
        ) { row in
            let version = try row.integer(0)
            guard let file = files.first(where: { $0.version == version }) else {
                throw Refusal.newer(version: version, known: known)
            }
            guard try row.text(1) == Self.checksum(file) else {
                throw Refusal.edited(version: version, name: file.name)
            }
            return file
        }
    }

    private static func checksum(_ file: SchemaFile) -> String {
        SHA256.hash(data: Array(file.sql.utf8)).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}

extension SQLDialect {
    /// SQLite keeps a statement as it was written, and verification compares it: this one never changes.
    fileprivate var schemaTable: String {
        """
        CREATE TABLE schema_migration (
            version    \(number) NOT NULL PRIMARY KEY,
            name       TEXT    NOT NULL,
            sha256     TEXT    NOT NULL,
            applied_at \(number) NOT NULL
        )\(self == .sqlite ? " STRICT" : "")
        """
    }

    fileprivate var hasSchemaTable: String {
        switch self {
        case .sqlite:
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_migration'"
        case .postgres: "SELECT 1 WHERE to_regclass('schema_migration') IS NOT NULL"
        }
    }

    fileprivate var anyTable: String {
        switch self {
        case .sqlite: "SELECT 1 FROM sqlite_master WHERE type = 'table' LIMIT 1"
        case .postgres:
            """
            SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm') LIMIT 1
            """
        }
    }
}

/// One part of a schema as the engine writes it down: a table, a column, an index, a rule.
package struct SchemaPart: Hashable, Sendable {
    package var text: String
    /// The table that it is, or belongs to; nil for what belongs to none.
    package var owner: String?
    /// A table, a view or a function, and no part of one.
    package var isWhole: Bool

    package init(text: String, owner: String?, isWhole: Bool) {
        (self.text, self.owner, self.isWhole) = (text, owner, isWhole)
    }
}

/// A store's schema held against the one that its files make: rules that are gone, that say something else, that are
/// switched off, or that nobody knows.
package struct SchemaDifference: Sendable {
    package let flaws: [Verification.Flaw]
    /// Tables and whatever else isn't the store's own, by kind and name: they're left alone. What belongs to a table of
    /// the store's own is a flaw.
    package let foreign: [String]

    /// - Parameters:
    ///   - found: the store's parts, by kind and name.
    ///   - expected: those that the files make.
    package init(_ found: [String: SchemaPart], from expected: [String: SchemaPart]) {
        let own = Set(expected.values.compactMap(\.owner))
        func isForeign(_ part: SchemaPart) -> Bool { part.owner.map { !own.contains($0) } ?? true }
        flaws = Set(expected.keys).union(found.keys).sorted().compactMap { name in
            switch (expected[name], found[name]) {
            case (nil, let part?) where isForeign(part): nil
            case (nil, _): .init(nil, "the schema has a \(name) that isn't its own")
            case (_, nil): .init(nil, "the \(name) is missing from the schema")
            case (let wanted, let part) where wanted != part:
                .init(nil, "the \(name) isn't what the schema says")
            default: nil
            }
        }
        foreign = found.filter { name, part in
            expected[name] == nil && part.isWhole && isForeign(part)
        }.keys.sorted()
    }
}
