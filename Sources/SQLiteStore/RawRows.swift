import GRDB
import GRDBSQLite
import RegistryLedger

/// The rows of a statement by SQLite's own interface, column by column.
///
/// For loops over a whole wave: GRDB's rows cost several times what the digest over them does.
struct RawRows {
    private let statement: Statement
    private let db: Database

    /// - Parameter statement: with its arguments set.
    init(_ statement: Statement, in db: Database) {
        self.statement = statement
        self.db = db
    }

    /// - Throws: what SQLite says, as GRDB would.
    func forEach(_ body: (RawRow) throws -> Void) throws {
        guard let handle = statement.sqliteStatement as SQLiteStatement?,
            let connection = db.sqliteConnection
        else { throw DatabaseError(resultCode: .SQLITE_MISUSE) }
        defer { sqlite3_reset(handle) }
        while true {
            switch sqlite3_step(handle) {
            case SQLITE_ROW: try body(RawRow(handle: handle))
            case SQLITE_DONE: return
            default:
                throw DatabaseError(
                    resultCode: ResultCode(rawValue: sqlite3_extended_errcode(connection)),
                    message: String(cString: sqlite3_errmsg(connection)))
            }
        }
    }
}

/// One row; good until the next one.
struct RawRow {
    let handle: SQLiteStatement

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

    func number(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    func text(_ column: Int32) -> String {
        withOctets(column) { String(decoding: $0, as: UTF8.self) }
    }

    func textIfPresent(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

    func withOctets<Value>(_ column: Int32, _ body: (UnsafeBufferPointer<UInt8>) -> Value) -> Value
    {
        // The text before its length: the one may convert what the other counts.
        let start = sqlite3_column_text(handle, column)
        return body(
            UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }

    /// Columns as the fields of a digest: absent, number or text.
    func add(fields columns: Range<Int32>, to hash: inout NetstringHash) {
        for column in columns {
            switch sqlite3_column_type(handle, column) {
            case SQLITE_NULL: hash.absent()
            case SQLITE_INTEGER: hash.number(number(column))
            default: withOctets(column) { hash.octets($0) }
            }
        }
    }
}
