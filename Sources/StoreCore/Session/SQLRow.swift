import Foundation
import RegistryLedger
import RegistryModel

/// One row, its columns counted from 0. It's good until the next one.
///
/// It's no protocol: what makes a value of the model of a row would be compiled for no engine in particular then, and
/// took half as long again for each row of an export.
package struct SQLRow {
    /// The engine's own.
    package let handle: OpaquePointer
    /// Of the row among those that the handle has.
    package let index: Int32
    /// One of two, which live as long as the process: rows are passed on so often that counting references showed.
    private unowned(unsafe) let reader: SQLRowReader
    /// What the handle is good for as long as; nil: until the next row.
    private let owner: AnyObject?

    package init(
        _ handle: OpaquePointer, index: Int32 = 0, _ reader: SQLRowReader,
        of owner: AnyObject? = nil
    ) {
        (self.handle, self.index, self.reader, self.owner) = (handle, index, reader, owner)
    }

    package func isNull(_ column: Int) -> Bool { reader.isNull(self, column) }
    package func number(_ column: Int) throws -> Int64 { try reader.number(self, column) }
    package func flag(_ column: Int) throws -> Bool { try reader.flag(self, column) }
    package func text(_ column: Int) throws -> String { try reader.text(self, column) }
    package func bytes(_ column: Int) throws -> [UInt8] { try reader.bytes(self, column) }

    /// A text or bytes where they lie; nil: null.
    package func storedBytes(_ column: Int) -> UnsafeRawBufferPointer? {
        reader.storedBytes(self, column)
    }

    /// Whether a text is this one. It costs less than reading it.
    package func holds(_ text: String, _ column: Int) -> Bool {
        guard let bytes = storedBytes(column), bytes.count == text.utf8.count else { return false }
        var text = text
        return text.withUTF8 { given in
            guard let start = bytes.baseAddress, let other = given.baseAddress else { return true }
            return memcmp(start, other, given.count) == 0
        }
    }

    /// Adds a value to a digest as it's stored: absent, a number, or text.
    package func add(_ column: Int, to hash: inout NetstringHash) {
        reader.add(self, column, &hash)
    }

    package func numberIfPresent(_ column: Int) throws -> Int64? {
        isNull(column) ? nil : try number(column)
    }

    package func textIfPresent(_ column: Int) throws -> String? {
        try reader.textIfPresent(self, column)
    }
}

/// How an engine reads a value of a row: each engine has one, for ever. What isn't there, or of another type, throws `UnreadableValue`.
package final class SQLRowReader: Sendable {
    package typealias Reading<Value> = @Sendable (SQLRow, Int) throws -> Value

    fileprivate let isNull: @Sendable (SQLRow, Int) -> Bool
    fileprivate let number: Reading<Int64>
    fileprivate let flag: Reading<Bool>
    fileprivate let text: Reading<String>
    fileprivate let textIfPresent: Reading<String?>
    fileprivate let bytes: Reading<[UInt8]>
    fileprivate let storedBytes: @Sendable (SQLRow, Int) -> UnsafeRawBufferPointer?
    fileprivate let add: @Sendable (SQLRow, Int, inout NetstringHash) -> Void

    package init(
        isNull: @escaping @Sendable (SQLRow, Int) -> Bool, number: @escaping Reading<Int64>,
        flag: @escaping Reading<Bool>, text: @escaping Reading<String>,
        textIfPresent: @escaping Reading<String?>,
        bytes: @escaping Reading<[UInt8]>,
        storedBytes: @escaping @Sendable (SQLRow, Int) -> UnsafeRawBufferPointer?,
        add: @escaping @Sendable (SQLRow, Int, inout NetstringHash) -> Void
    ) {
        (self.isNull, self.number, self.flag) = (isNull, number, flag)
        (self.text, self.textIfPresent) = (text, textIfPresent)
        (self.bytes, self.storedBytes, self.add) = (bytes, storedBytes, add)
    }
}

extension SQLRow {
    package func integer(_ column: Int) throws -> Int { Int(try number(column)) }

    package func revision(_ column: Int) throws -> Revision {
        Revision(try number(column))
    }

    package func time(_ column: Int) throws -> Timestamp {
        Timestamp(milliseconds: try number(column))
    }

    package func timeIfPresent(_ column: Int) throws -> Timestamp? {
        try numberIfPresent(column).map(Timestamp.init(milliseconds:))
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

    package func wordIfPresent<Word: RawRepresentable>(_ column: Int) throws -> Word?
    where Word.RawValue == String {
        isNull(column) ? nil : try word(column)
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

/// A value for a statement's parameter. Values travel beside the statement: nothing is ever quoted into its text.
package enum SQLValue: Sendable {
    case text(String?)
    case number(Int64?)
    case bytes([UInt8]?)
    case flag(Bool)
    /// A list, which a statement reads as a table (`SQLDialect.list`).
    case texts([String?])
    case numbers([Int64?])
    case byteLists([[UInt8]])
    case flags([Bool])

    package static func number(_ number: Int) -> SQLValue { .number(Int64(number)) }
}
