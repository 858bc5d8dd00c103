import GRDB
import GRDBSQLite
import RegistryLedger
import StoreCore

/// A statement stepped through SQLite's own functions: a check of millions of rows looks at bytes
/// where they lie, and makes nothing of them.
///
/// Values are good until the next step. Columns count from 0.
package struct RowScan: ScannedRows {
    private let statement: Statement
    private let handle: OpaquePointer

    init(_ db: Database, _ sql: String, _ values: [SQLValue]) throws {
        statement = try db.makeStatement(sql: sql)
        handle = statement.sqliteStatement
        try Binder.bind(values, to: statement)
    }

    /// - Returns: false after the last row.
    package func step() throws -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code:
            throw DatabaseError(
                resultCode: ResultCode(rawValue: code),
                message: String(cString: sqlite3_errmsg(sqlite3_db_handle(handle))),
                sql: statement.sql)
        }
    }

    package func integer(_ column: Int) -> Int64 { sqlite3_column_int64(handle, Int32(column)) }

    package func value(_ column: Int) -> ScannedValue {
        switch sqlite3_column_type(handle, Int32(column)) {
        case SQLITE_NULL: .absent
        case SQLITE_INTEGER: .integer(sqlite3_column_int64(handle, Int32(column)))
        case SQLITE_TEXT: .text(bytes(sqlite3_column_text(handle, Int32(column)), column))
        default: .other
        }
    }

    package func blob(_ column: Int) -> [UInt8] {
        let start = sqlite3_column_blob(handle, Int32(column))
        return Array(
            UnsafeRawBufferPointer(
                start: start, count: Int(sqlite3_column_bytes(handle, Int32(column)))))
    }

    private func bytes(_ start: UnsafePointer<UInt8>?, _ column: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            start: start, count: Int(sqlite3_column_bytes(handle, Int32(column))))
    }
}
