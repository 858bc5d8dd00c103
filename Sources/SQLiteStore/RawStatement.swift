import GRDB
import GRDBSQLite
import RegistryLedger
import RegistryModel

/// A prepared statement by SQLite's own interface.
///
/// For what every write does, and for loops over a whole wave: GRDB's arguments and rows cost several
/// times what SQLite does with them. Everything else goes through GRDB.
struct RawStatement {
    private let statement: Statement
    private let connection: OpaquePointer

    /// - Parameter statement: stays prepared for as long as this value lives.
    init(_ statement: Statement, in db: Database) throws {
        guard let connection = db.sqliteConnection else {
            throw DatabaseError(resultCode: .SQLITE_MISUSE)
        }
        self.statement = statement
        self.connection = connection
    }

    private var handle: OpaquePointer { statement.sqliteStatement }

    /// Runs a statement that gives no rows.
    func run(_ bind: (inout Binder) -> Void = { _ in }) throws {
        try forEach(bind) { _ in }
    }

    /// The first row, read before the next call.
    func first<Value>(
        _ bind: (inout Binder) -> Void = { _ in }, _ read: (RawRow) throws -> Value
    ) throws -> Value? {
        begin(bind)
        defer { sqlite3_reset(handle) }
        return try step() ? try read(RawRow(handle: handle)) : nil
    }

    func forEach(
        _ bind: (inout Binder) -> Void = { _ in }, _ body: (RawRow) throws -> Void
    ) throws {
        begin(bind)
        defer { sqlite3_reset(handle) }
        while try step() { try body(RawRow(handle: handle)) }
    }

    private func begin(_ bind: (inout Binder) -> Void) {
        var binder = Binder(handle: handle)
        bind(&binder)
    }

    /// - Throws: what SQLite says, as GRDB would.
    private func step() throws -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            throw DatabaseError(
                resultCode: ResultCode(rawValue: sqlite3_extended_errcode(connection)),
                message: String(cString: sqlite3_errmsg(connection)), sql: statement.sql)
        }
    }
}

/// Values for the parameters of a statement, in order. What SQLite can't take (no memory, too long)
/// shows when the statement runs: the parameter is null then, and NOT NULL refuses it.
struct Binder {
    fileprivate let handle: OpaquePointer
    private var index: Int32 = 0

    fileprivate init(handle: OpaquePointer) {
        self.handle = handle
    }

    /// Tells SQLite to copy: the value may be gone when the statement runs.
    private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    mutating func text(_ text: String?) {
        index += 1
        guard var text else { return absent() }
        // No address would mean null to SQLite, and an empty text has none.
        guard !text.isEmpty else {
            sqlite3_bind_text(handle, index, "", 0, Self.transient)
            return
        }
        text.withUTF8 { octets in
            octets.withMemoryRebound(to: CChar.self) { octets in
                _ = sqlite3_bind_text(
                    handle, index, octets.baseAddress, Int32(octets.count), Self.transient)
            }
        }
    }

    mutating func number(_ number: Int64?) {
        index += 1
        guard let number else { return absent() }
        sqlite3_bind_int64(handle, index, number)
    }

    mutating func number(_ number: Int?) { self.number(number.map(Int64.init)) }

    mutating func time(_ time: Timestamp?) { number(time?.milliseconds) }

    mutating func placement(_ placement: Placement?) {
        text(placement?.location.text)
        text(placement?.mode.rawValue)
        text(placement?.tenant)
    }

    mutating func blob(_ octets: [UInt8]) {
        index += 1
        _ = octets.withUnsafeBytes {
            sqlite3_bind_blob(handle, index, $0.baseAddress, Int32($0.count), Self.transient)
        }
    }

    private func absent() {
        sqlite3_bind_null(handle, index)
    }
}

/// One row; good until the next one.
struct RawRow {
    fileprivate let handle: OpaquePointer

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

    func number(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    func time(_ column: Int32) -> Timestamp { Timestamp(milliseconds: number(column)) }

    func text(_ column: Int32) -> String {
        withOctets(column) { String(decoding: $0, as: UTF8.self) }
    }

    func textIfPresent(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

    func blob(_ column: Int32) -> [UInt8] {
        let start = sqlite3_column_blob(handle, column)
        return Array(
            UnsafeRawBufferPointer(
                start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }

    func withOctets<Value>(
        _ column: Int32, _ body: (UnsafeBufferPointer<UInt8>) -> Value
    ) -> Value {
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
