import GRDB
import GRDBSQLite
import RegistryLedger
import RegistryModel
import StoreCore

/// A prepared statement by SQLite's own interface.
///
/// For what every write does, and for loops over a whole wave: GRDB's arguments and rows cost several
/// times what SQLite does with them. Everything else goes through GRDB.
package struct RawStatement: ScannedRows {
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
        _ bind: (inout Binder) -> Void = { _ in }, _ read: (SQLRow) throws -> Value
    ) throws -> Value? {
        begin(bind)
        defer { sqlite3_reset(handle) }
        return try step() ? try read(row) : nil
    }

    func forEach(
        _ bind: (inout Binder) -> Void = { _ in }, _ body: (SQLRow) throws -> Void
    ) throws {
        begin(bind)
        defer { sqlite3_reset(handle) }
        while try step() { try body(row) }
    }

    private func begin(_ bind: (inout Binder) -> Void) {
        var binder = Binder(handle: handle)
        bind(&binder)
    }

    /// Runs a statement whose parameters are called `$1`, `$2` and so on.
    func forEach(_ values: [SQLValue], _ body: (SQLRow) throws -> Void) throws {
        try bind(values)
        defer { sqlite3_reset(handle) }
        while try step() { try body(row) }
    }

    func bind(_ values: [SQLValue]) throws { try Binder.bind(values, to: statement) }

    package var row: SQLRow { SQLRow(handle, .sqlite) }

    /// - Throws: what SQLite says, as GRDB would.
    package func step() throws -> Bool {
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

    fileprivate init(handle: OpaquePointer, after index: Int32 = 0) {
        self.handle = handle
        self.index = index
    }

    /// Binds the values of parameters that are called `$1`, `$2` and so on.
    static func bind(_ values: [SQLValue], to statement: Statement) throws {
        let handle = statement.sqliteStatement
        for index in 0..<sqlite3_bind_parameter_count(handle) {
            // SQLite counts such names in the order in which they stand, and each once.
            guard let name = sqlite3_bind_parameter_name(handle, index + 1),
                let place = Int(String(cString: name + 1)), values.indices.contains(place - 1)
            else { throw DatabaseError(resultCode: .SQLITE_RANGE, sql: statement.sql) }
            var binder = Binder(handle: handle, after: index)
            try binder.value(values[place - 1])
        }
    }

    private mutating func value(_ value: SQLValue) throws {
        switch value {
        case .text(let text): self.text(text)
        case .number(let number): self.number(number)
        case .bytes(let bytes): if let bytes { blob(bytes) } else { text(nil) }
        case .flag(let flag): number(flag ? 1 : 0)
        case .texts(let texts):
            text(Self.list(texts) { Self.append($0, to: &$1) })
        case .numbers(let numbers):
            text(Self.list(numbers) { $1.append(contentsOf: String($0).utf8) })
        case .flags(let flags):
            text(Self.list(flags) { $1.append(contentsOf: ($0 ? "true" : "false").utf8) })
        case .byteLists:
            throw DatabaseError(resultCode: .SQLITE_MISMATCH, message: "a list of bytes")
        }
    }

    /// A list as `json_each` reads it. Foundation's encoder took longer for a plan's names than SQLite does to stage
    /// them.
    private static func list<Element>(
        _ values: [Element?], _ append: (Element, inout [UInt8]) -> Void
    ) -> String {
        var json: [UInt8] = []
        json.reserveCapacity(values.count * 32 + 2)
        for value in values {
            json.append(UInt8(ascii: json.isEmpty ? "[" : ","))
            if let value { append(value, &json) } else { json.append(contentsOf: "null".utf8) }
        }
        json.append(contentsOf: json.isEmpty ? "[]".utf8 : "]".utf8)
        return String(decoding: json, as: UTF8.self)
    }

    private static func append(_ text: String, to json: inout [UInt8]) {
        json.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { bytes in
            guard bytes.contains(where: mustBeEscaped) else {
                return json.append(contentsOf: bytes)
            }
            for byte in bytes {
                guard mustBeEscaped(byte) else {
                    json.append(byte)
                    continue
                }
                let digits = String(byte, radix: 16)
                json.append(contentsOf: (digits.count == 1 ? "\\u000" : "\\u00").utf8)
                json.append(contentsOf: digits.utf8)
            }
        }
        json.append(UInt8(ascii: "\""))
    }

    private static func mustBeEscaped(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
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
        text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { bytes in
                _ = sqlite3_bind_text(
                    handle, index, bytes.baseAddress, Int32(bytes.count), Self.transient)
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
        for column in Placement.columns { text(placement.flatMap(column.text)) }
    }

    mutating func blob(_ bytes: [UInt8]) {
        index += 1
        _ = bytes.withUnsafeBytes {
            sqlite3_bind_blob(handle, index, $0.baseAddress, Int32($0.count), Self.transient)
        }
    }

    private func absent() {
        sqlite3_bind_null(handle, index)
    }
}

extension SQLRowReader {
    /// A row's handle is its statement.
    static let sqlite = SQLRowReader(
        isNull: { $0.type($1) == SQLITE_NULL },
        number: { try $0.number(at: $1) },
        flag: { try $0.number(at: $1) != 0 },
        text: { row, column in
            guard let text = row.text(at: column) else {
                throw UnreadableValue(column: column, expected: "a text")
            }
            return text
        },
        textIfPresent: { row, column in
            if let text = row.text(at: column) { return text }
            try row.expect(SQLITE_NULL, column, "a text")
            return nil
        },
        bytes: { row, column in
            try row.expect(SQLITE_BLOB, column, "bytes")
            return row.bytes(at: column).map { Array($0) } ?? []
        },
        storedBytes: { $0.bytes(at: $1) },
        add: { row, column, hash in
            switch row.type(column) {
            case SQLITE_NULL: hash.absent()
            case SQLITE_INTEGER: hash.number(sqlite3_column_int64(row.handle, Int32(column)))
            case SQLITE_TEXT:
                if let bytes = row.bytes(at: column) {
                    hash.bytes(bytes.assumingMemoryBound(to: UInt8.self))
                }
            default: hash.foreign()
            }
        })
}

extension SQLRow {
    fileprivate func type(_ column: Int) -> Int32 { sqlite3_column_type(handle, Int32(column)) }

    fileprivate func expect(_ expected: Int32, _ column: Int, _ words: String) throws {
        guard type(column) == expected else {
            throw UnreadableValue(column: column, expected: words)
        }
    }

    /// Columns are of one type each: the tables are STRICT. What may be absent is looked at twice, the rest once, for each
    /// of SQLite's calls takes its lock.
    fileprivate func number(at column: Int) throws -> Int64 {
        let number = sqlite3_column_int64(handle, Int32(column))
        if number == 0 { try expect(SQLITE_INTEGER, column, "a number") }
        return number
    }

    fileprivate func text(at column: Int) -> String? {
        guard let start = sqlite3_column_text(handle, Int32(column)) else { return nil }
        let count = Int(sqlite3_column_bytes(handle, Int32(column)))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// Of a text or a blob: neither is converted.
    fileprivate func bytes(at column: Int) -> UnsafeRawBufferPointer? {
        let start = sqlite3_column_blob(handle, Int32(column))
        // One of no length has no address.
        guard start != nil || type(column) != SQLITE_NULL else { return nil }
        return UnsafeRawBufferPointer(
            start: start, count: Int(sqlite3_column_bytes(handle, Int32(column))))
    }
}
