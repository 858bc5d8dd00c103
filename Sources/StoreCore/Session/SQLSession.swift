import RegistryLedger
import RegistryModel

// StoreCore: what the two SQL engines have in common.
//
// Purpose: one text for each statement, one body for each read, and one way to read a row, so that SQLite and
// PostgreSQL can't answer differently. An engine adds its connection, its commit and what only it can do.
//
// Invariants:
// - Texts are this module's own, and values are always bound, as `$1`, `$2` and so on.
// - A value that a row doesn't hold as the schema promises throws `UnreadableValue`. It never becomes another one.
// - A statement along an index stays along it on both engines; the query-plan tests of each hold it to that.
//
// Limits: columns are read by their place, so a statement's list of columns and the code that reads it stand side by
// side. Where an engine can't express a statement as the other does, `SQLDialect` has both forms, and says why.

/// One connection, inside a transaction or a snapshot. It's used by one thread, and its calls block.
package protocol SQLSession: SendableMetatype {
    associatedtype Row: SQLRow
    associatedtype Scan: ScannedRows

    static var dialect: SQLDialect { get }

    /// Runs a statement and gives its rows one after the other; each is good until the next one.
    ///
    /// - Parameter values: of `$1`, `$2` and so on; each is used somewhere in the statement.
    func forEach(_ sql: String, _ values: [SQLValue], _ body: (Row) throws -> Void) throws

    /// Runs a statement that gives no rows.
    /// - Returns: how many rows it has written.
    @discardableResult
    func run(_ sql: String, _ values: [SQLValue]) throws -> Int

    /// Runs a statement whose rows are looked at where they lie. Several may be looked at side by side.
    func scan(_ sql: String, _ values: [SQLValue]) throws -> Scan

    /// Runs statements that copy values from rows which have passed the same checks, without checking each again where
    /// that takes the engine long. Types, keys and triggers count all the same.
    func withoutRowChecks<Value>(_ body: () throws -> Value) throws -> Value
}

extension SQLSession {
    package var dialect: SQLDialect { Self.dialect }

    package func withoutRowChecks<Value>(_ body: () throws -> Value) throws -> Value {
        try body()
    }

    package func rows<Value>(
        _ sql: String, _ values: [SQLValue] = [], _ read: (Row) throws -> Value
    ) throws -> [Value] {
        var found: [Value] = []
        try forEach(sql, values) { found.append(try read($0)) }
        return found
    }

    /// - Parameter sql: a statement that gives one row or none.
    package func first<Value>(
        _ sql: String, _ values: [SQLValue] = [], _ read: (Row) throws -> Value
    ) throws -> Value? {
        var found: Value?
        try forEach(sql, values) { if found == nil { found = try read($0) } }
        return found
    }

    /// Whether a statement gives a row.
    package func exists(_ sql: String, _ values: [SQLValue] = []) throws -> Bool {
        try first(sql, values) { _ in true } ?? false
    }

    /// - Parameter sql: a statement that gives one row with one number.
    package func count(_ sql: String, _ values: [SQLValue] = []) throws -> Int {
        guard let count = try first(sql, values, { try $0.integer(0) }) else {
            throw UnreadableValue(column: 0, expected: "a number of rows")
        }
        return count
    }
}

/// One row, its columns counted from 0.
package protocol SQLRow: SendableMetatype {
    func isNull(_ column: Int) -> Bool
    func number(_ column: Int) throws -> Int64
    func flag(_ column: Int) throws -> Bool
    func text(_ column: Int) throws -> String
    func bytes(_ column: Int) throws -> [UInt8]
    /// Adds a value to a digest as it's stored: absent, a number, or text.
    func add(_ column: Int, to hash: inout NetstringHash)
}

extension SQLRow {
    package func numberIfPresent(_ column: Int) throws -> Int64? {
        isNull(column) ? nil : try number(column)
    }

    package func textIfPresent(_ column: Int) throws -> String? {
        isNull(column) ? nil : try text(column)
    }

    package func integer(_ column: Int) throws -> Int { Int(try number(column)) }

    package func revision(_ column: Int) throws -> Revision { Revision(try number(column)) }

    package func time(_ column: Int) throws -> Timestamp {
        Timestamp(milliseconds: try number(column))
    }

    package func timeIfPresent(_ column: Int) throws -> Timestamp? {
        isNull(column) ? nil : try time(column)
    }

    /// One of a type's few words: a mode, a role, a state.
    package func word<Word: RawRepresentable>(_ column: Int) throws -> Word
    where Word.RawValue == String {
        let text = try text(column)
        guard let word = Word(rawValue: text) else {
            throw UnreadableValue(column: column, expected: "\(Word.self)")
        }
        return word
    }

    package func name(_ column: Int) throws -> FQDN { FQDN(canonical: try text(column)) }

    package func location(_ column: Int) throws -> LocationName {
        let text = try text(column)
        guard !text.isEmpty else { throw UnreadableValue(column: column, expected: "a location") }
        return LocationName(canonical: text)
    }

    package func add(fields columns: Range<Int>, to hash: inout NetstringHash) {
        for column in columns { add(column, to: &hash) }
    }
}

/// A row that doesn't hold what the schema promises: the store is damaged, or was changed by hand.
package struct UnreadableValue: Error, CustomStringConvertible {
    package let column: Int
    package let expected: String

    package init(column: Int, expected: String) {
        (self.column, self.expected) = (column, expected)
    }

    package var description: String {
        "column \(column) of a row isn't \(expected)"
    }
}
