import GRDB
import GRDBSQLite
import RegistryLedger
import StoreCore

/// A statement stepped through SQLite's own functions: a check of millions of rows looks at octets
/// where they lie, and makes nothing of them.
///
/// Values are good until the next step. Columns count from 0.
struct RowScan: ScannedRows {
    private let statement: Statement
    private let handle: OpaquePointer

    init(_ db: Database, _ sql: String, _ arguments: StatementArguments = []) throws {
        statement = try db.makeStatement(sql: sql)
        try statement.setArguments(arguments)
        handle = statement.sqliteStatement
    }

    /// - Returns: false after the last row.
    func step() throws -> Bool {
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

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    func value(_ column: Int32) -> ScannedValue {
        switch sqlite3_column_type(handle, column) {
        case SQLITE_NULL: .absent
        case SQLITE_INTEGER: .integer(sqlite3_column_int64(handle, column))
        case SQLITE_TEXT: .text(octets(sqlite3_column_text(handle, column), column))
        default: .other
        }
    }

    func blob(_ column: Int32) -> [UInt8] {
        let start = sqlite3_column_blob(handle, column)
        return Array(
            UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }

    private func octets(_ start: UnsafePointer<UInt8>?, _ column: Int32) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))
    }
}
