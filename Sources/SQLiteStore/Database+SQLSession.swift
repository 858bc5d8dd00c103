import GRDB
import StoreCore

extension Database: SQLSession {
    package static var dialect: SQLDialect { .sqlite }

    package func forEach(
        _ sql: String, _ values: [SQLValue], _ body: (SQLRow) throws -> Void
    ) throws {
        try RawStatement(try cachedStatement(sql: sql), in: self).forEach(values, body)
    }

    @discardableResult
    package func run(_ sql: String, _ values: [SQLValue]) throws -> Int {
        try forEach(sql, values) { _ in }
        return changesCount
    }

    package func script(_ sql: String) throws { try execute(sql: sql) }

    package func scan(_ sql: String, _ values: [SQLValue]) throws -> RawStatement {
        let scan = try RawStatement(makeStatement(sql: sql), in: self)
        try scan.bind(values)
        return scan
    }

    /// A dozen checks for each of a million rows cost more than the rows.
    package func withoutRowChecks<Value>(_ body: () throws -> Value) throws -> Value {
        try execute(sql: "PRAGMA ignore_check_constraints = 1")
        let result = Result(catching: body)
        try execute(sql: "PRAGMA ignore_check_constraints = 0")
        return try result.get()
    }
}
