import CLibPQ
import RegistryLedger
import StoreCore

/// What a statement gave, in binary form. Freed with its last reference.
final class ResultRows {
    private let handle: OpaquePointer
    let count: Int

    /// Takes the result over.
    init(_ handle: OpaquePointer) {
        self.handle = handle
        count = Int(PQntuples(handle))
    }

    deinit { PQclear(handle) }

    /// Rows that a statement without a result has written.
    var changed: Int { Int(String(cString: PQcmdTuples(handle))) ?? 0 }

    /// What the server says that it did: `COMMIT`, `INSERT 0 1`.
    var tag: String { String(cString: PQcmdStatus(handle)) }

    subscript(_ row: Int) -> SQLRow { SQLRow(handle, index: Int32(row), .postgres, of: self) }

    var first: SQLRow? { count > 0 ? self[0] : nil }

    func map<Value>(_ read: (SQLRow) throws -> Value) rethrows -> [Value] {
        try (0..<count).map { try read(self[$0]) }
    }
}

extension SQLRowReader {
    /// A row's handle is the result that it's one of. Each column has one type, the schema's.
    static let postgres = SQLRowReader(
        isNull: { $0.raw($1) == nil },
        number: { row, column in
            let bytes = try row.value(column, "a number")
            switch bytes.count {
            case 8: return Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
            case 4: return Int64(Int32(bigEndian: bytes.loadUnaligned(as: Int32.self)))
            case 2: return Int64(Int16(bigEndian: bytes.loadUnaligned(as: Int16.self)))
            default: throw UnreadableValue(column: column, expected: "a number")
            }
        },
        flag: { try $0.value($1, "true or false").first == 1 },
        text: { String(decoding: try $0.value($1, "a text"), as: UTF8.self) },
        textIfPresent: { row, column in
            row.raw(column).map { String(decoding: $0, as: UTF8.self) }
        },
        bytes: { Array(try $0.value($1, "bytes")) },
        storedBytes: { $0.raw($1) },
        add: { row, column, hash in
            guard let bytes = row.raw(column) else { return hash.absent() }
            if row.isText(column) {
                hash.bytes(bytes.assumingMemoryBound(to: UInt8.self))
            } else if let number = try? row.number(column) {
                hash.number(number)
            } else {
                hash.foreign()
            }
        })
}

extension SQLRow {
    fileprivate func value(_ column: Int, _ expected: String) throws -> UnsafeRawBufferPointer {
        guard let bytes = raw(column) else {
            throw UnreadableValue(column: column, expected: expected)
        }
        return bytes
    }

    /// Where the value lies; good for as long as the rows are.
    func raw(_ column: Int) -> UnsafeRawBufferPointer? {
        let column = Int32(column)
        guard PQgetisnull(handle, index, column) == 0 else { return nil }
        return UnsafeRawBufferPointer(
            start: PQgetvalue(handle, index, column),
            count: Int(PQgetlength(handle, index, column)))
    }

    func isText(_ column: Int) -> Bool {
        switch PQftype(handle, Int32(column)) {
        // text, and the types that are written as such: char, name, varchar.
        case 25, 18, 19, 1042, 1043: true
        default: false
        }
    }
}

extension PostgresConnection: SQLSession {
    package static var dialect: SQLDialect { .postgres }

    package func forEach(_ sql: String, _ values: [SQLValue], _ body: (SQLRow) throws -> Void)
        throws
    {
        let rows = try query(sql, values)
        for row in 0..<rows.count { try body(rows[row]) }
    }

    @discardableResult
    package func run(_ sql: String, _ values: [SQLValue]) throws -> Int {
        try query(sql, values).changed
    }

    /// All of them are sent at once: one way there and back for many.
    @discardableResult
    package func run(_ sql: String, each values: [[SQLValue]]) throws -> Int {
        var changed = 0
        for start in stride(from: 0, to: values.count, by: Self.statementsAtOnce) {
            let part = values[start..<min(start + Self.statementsAtOnce, values.count)]
            changed += try pipeline(part.map { Statement(sql, $0) }).reduce(0) { $0 + $1.changed }
        }
        return changed
    }

    private static let statementsAtOnce = 1_000

    /// By a cursor, some rows at a time. Each statement has one of its own name: `FETCH` is prepared, too, and for
    /// the columns of one.
    package func stream(
        _ sql: String, _ values: [SQLValue], _ body: (SQLRow) throws -> Void
    ) throws {
        let cursor = "stream_\(UInt(bitPattern: sql.hashValue))"
        try query("DECLARE \(cursor) NO SCROLL CURSOR FOR \(sql)", values)
        var isAtEnd = false
        while !isAtEnd {
            let rows = try query("FETCH \(Self.rowsAtOnce) FROM \(cursor)")
            for row in 0..<rows.count { try body(rows[row]) }
            isAtEnd = rows.count < Self.rowsAtOnce
        }
        try query("CLOSE \(cursor)")
    }

    private static let rowsAtOnce = 10_000

    package func scan(_ sql: String, _ values: [SQLValue]) throws -> ResultScan {
        ResultScan(try query(sql, values))
    }
}

/// The rows of one answer, one after the other.
package final class ResultScan: ScannedRows {
    private let rows: ResultRows
    private var place = -1

    init(_ rows: ResultRows) {
        self.rows = rows
    }

    package func step() throws -> Bool {
        place += 1
        return place < rows.count
    }

    package var row: SQLRow { rows[place] }
}
