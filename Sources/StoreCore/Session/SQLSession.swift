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
    associatedtype Scan: ScannedRows

    static var dialect: SQLDialect { get }

    /// Runs a statement and gives its rows one after the other; each is good until the next one.
    ///
    /// - Parameter values: of `$1`, `$2` and so on; each is used somewhere in the statement.
    func forEach(_ sql: String, _ values: [SQLValue], _ body: (SQLRow) throws -> Void) throws

    /// Runs a statement that gives no rows.
    /// - Returns: how many rows it has written.
    @discardableResult
    func run(_ sql: String, _ values: [SQLValue]) throws -> Int

    /// The same statement once for each list of values.
    /// - Returns: how many rows all of them have written.
    @discardableResult
    func run(_ sql: String, each values: [[SQLValue]]) throws -> Int

    /// Runs statements of the schema, any number, without values.
    func script(_ sql: String) throws

    /// As `forEach`, of more rows than may lie in memory at once. Inside a transaction.
    func stream(_ sql: String, _ values: [SQLValue], _ body: (SQLRow) throws -> Void) throws

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

    package func stream(
        _ sql: String, _ values: [SQLValue], _ body: (SQLRow) throws -> Void
    ) throws {
        try forEach(sql, values, body)
    }

    @discardableResult
    package func run(_ sql: String, each values: [[SQLValue]]) throws -> Int {
        try values.reduce(0) { try $0 + run(sql, $1) }
    }

    /// What `SQLDialect.time` says.
    /// - Parameter given: a time instead of the database's.
    package func time(_ given: SQLValue) throws -> Timestamp {
        let time = try first("SELECT \(dialect.time("$1"))", [given]) { try $0.time(0) }
        guard let time else { throw UnreadableValue(column: 0, expected: "a time") }
        return time
    }

    @inline(__always)
    package func rows<Value>(
        _ sql: String, _ values: [SQLValue] = [], _ read: (SQLRow) throws -> Value
    ) throws -> [Value] {
        try list(read) { try forEach(sql, values, $0) }
    }

    /// - Parameter sql: a statement that gives one row or none.
    @inline(__always)
    package func first<Value>(
        _ sql: String, _ values: [SQLValue] = [], _ read: (SQLRow) throws -> Value
    ) throws -> Value? {
        try rows(sql, values, read).first
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

/// What is made of the rows that `run` gives one after the other.
///
/// It's inlined, and knows no session: so what is done with each row is compiled for what is made of it. A method of a
/// protocol is compiled for no session and no value in particular.
@inline(__always)
private func list<Value>(
    _ read: (SQLRow) throws -> Value, _ run: ((SQLRow) throws -> Void) throws -> Void
) throws -> [Value] {
    var found: [Value] = []
    try withoutActuallyEscaping(read) { read in
        try run { found.append(try read($0)) }
    }
    return found
}
