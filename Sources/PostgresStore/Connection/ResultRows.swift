import CLibPQ
import RegistryModel

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

    subscript(_ row: Int) -> ResultRow { ResultRow(result: self, row: Int32(row)) }

    var first: ResultRow? { count > 0 ? self[0] : nil }

    func map<Value>(_ read: (ResultRow) throws -> Value) rethrows -> [Value] {
        try (0..<count).map { try read(self[$0]) }
    }

    fileprivate func octets(_ row: Int32, _ column: Int32) -> UnsafeRawBufferPointer? {
        guard PQgetisnull(handle, row, column) == 0 else { return nil }
        return UnsafeRawBufferPointer(
            start: PQgetvalue(handle, row, column), count: Int(PQgetlength(handle, row, column)))
    }

    fileprivate func isText(_ column: Int32) -> Bool {
        // text, and the types that are written as such: char, name, varchar.
        [25, 18, 19, 1042, 1043].contains(PQftype(handle, column))
    }
}

/// One row, its columns counted from 0.
///
/// Each column has one type, the schema's: a wrong one here is a defect that any test of the statement
/// finds.
struct ResultRow {
    fileprivate let result: ResultRows
    fileprivate let row: Int32

    func isNull(_ column: Int32) -> Bool { result.octets(row, column) == nil }

    func numberIfPresent(_ column: Int32) -> Int64? {
        guard let octets = result.octets(row, column) else { return nil }
        return switch octets.count {
        case 8: Int64(bigEndian: octets.loadUnaligned(as: Int64.self))
        case 4: Int64(Int32(bigEndian: octets.loadUnaligned(as: Int32.self)))
        case 2: Int64(Int16(bigEndian: octets.loadUnaligned(as: Int16.self)))
        default: nil
        }
    }

    func number(_ column: Int32) -> Int64 { numberIfPresent(column) ?? 0 }

    func integer(_ column: Int32) -> Int { Int(number(column)) }

    func revision(_ column: Int32) -> Revision { Revision(number(column)) }

    func time(_ column: Int32) -> Timestamp { Timestamp(milliseconds: number(column)) }

    func timeIfPresent(_ column: Int32) -> Timestamp? {
        numberIfPresent(column).map(Timestamp.init(milliseconds:))
    }

    func textIfPresent(_ column: Int32) -> String? {
        result.octets(row, column).map { String(decoding: $0, as: UTF8.self) }
    }

    func text(_ column: Int32) -> String { textIfPresent(column) ?? "" }

    func octets(_ column: Int32) -> [UInt8] { result.octets(row, column).map(Array.init) ?? [] }

    func flag(_ column: Int32) -> Bool { result.octets(row, column)?.first == 1 }

    /// Where the value lies; good for as long as the rows are.
    func raw(_ column: Int32) -> UnsafeRawBufferPointer? { result.octets(row, column) }

    func isText(_ column: Int32) -> Bool { result.isText(column) }
}
