import StoreCore

/// A statement with its values.
struct Statement: Sendable {
    var sql: String
    var parameters: [SQLValue]

    init(_ sql: String, _ parameters: [SQLValue] = []) {
        self.sql = sql
        self.parameters = parameters
    }
}

// How values travel: beside the statement, in PostgreSQL's binary form.

extension SQLValue {
    /// The type's number in `pg_type`, fixed since the type was made.
    var type: UInt32 {
        switch self {
        case .flag: 16
        case .bytes: 17
        case .number: 20
        case .text: 25
        case .flags: 1000
        case .byteLists: 1001
        case .texts: 1009
        case .numbers: 1016
        }
    }

    /// The type's number of one element.
    private var elementType: UInt32 {
        switch self {
        case .flags: 16
        case .byteLists: 17
        case .numbers: 20
        default: 25
        }
    }

    /// Writes the value's binary form.
    /// - Returns: false where it's null.
    func write(to buffer: inout [UInt8]) -> Bool {
        switch self {
        case .text(let text):
            guard let text else { return false }
            buffer.append(contentsOf: text.utf8)
        case .number(let number):
            guard let number else { return false }
            buffer.append(bigEndian: number)
        case .bytes(let bytes):
            guard let bytes else { return false }
            buffer.append(contentsOf: bytes)
        case .flag(let flag): buffer.append(flag ? 1 : 0)
        case .texts(let texts): array(texts, to: &buffer) { $1.append(contentsOf: $0.utf8) }
        case .numbers(let numbers): array(numbers, to: &buffer) { $1.append(bigEndian: $0) }
        case .byteLists(let lists): array(lists, to: &buffer) { $1.append(contentsOf: $0) }
        case .flags(let flags): array(flags, to: &buffer) { $1.append($0 ? 1 : 0) }
        }
        return true
    }

    /// One dimension from 1 on; each element behind its length, −1 for null.
    private func array<Element>(
        _ elements: [Element?], to buffer: inout [UInt8],
        _ write: (Element, inout [UInt8]) -> Void
    ) {
        buffer.append(bigEndian: Int32(elements.isEmpty ? 0 : 1))
        buffer.append(bigEndian: Int32(elements.contains { $0 == nil } ? 1 : 0))
        buffer.append(bigEndian: elementType)
        guard !elements.isEmpty else { return }
        buffer.append(bigEndian: Int32(elements.count))
        buffer.append(bigEndian: Int32(1))
        for element in elements {
            let start = buffer.count
            buffer.append(bigEndian: Int32(-1))
            guard let element else { continue }
            write(element, &buffer)
            var length = Int32(buffer.count - start - 4).bigEndian
            withUnsafeBytes(of: &length) { bytes in
                for (index, byte) in bytes.enumerated() { buffer[start + index] = byte }
            }
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(bigEndian number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.bigEndian) { append(contentsOf: $0) }
    }
}

/// The parameters of one statement, laid out as libpq takes them.
struct ParameterList {
    private var bytes: [UInt8] = []
    private var ranges: [Range<Int>?] = []
    let types: [UInt32]

    init(_ parameters: [SQLValue]) {
        types = parameters.map(\.type)
        ranges.reserveCapacity(parameters.count)
        for parameter in parameters {
            let start = bytes.count
            ranges.append(parameter.write(to: &bytes) ? start..<bytes.count : nil)
        }
        // An empty value needs an address that isn't null's.
        bytes.append(0)
    }

    /// - Parameter body: values, their lengths, and 1 for the binary format of each.
    func withPointers<Result>(
        _ body: ([UnsafePointer<CChar>?], [Int32], [Int32]) -> Result
    ) -> Result {
        bytes.withUnsafeBytes { memory in
            let start = memory.baseAddress?.assumingMemoryBound(to: CChar.self)
            return body(
                ranges.map { range in range.flatMap { start?.advanced(by: $0.lowerBound) } },
                ranges.map { Int32($0?.count ?? 0) },
                [Int32](repeating: 1, count: ranges.count))
        }
    }
}
