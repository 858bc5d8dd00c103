import Crypto

/// The digest of one revision, straight from the columns of its rows: the encoding of
/// `RevisionDigest`, for rows that nobody has read into values yet. What a row holds counts, not what
/// this version would make of it.
struct RawDigest: Sendable {
    private var hash = SHA256()
    private var buffer: [UInt8] = []

    private static let flushAt = 1 << 15

    /// Begins a revision. The buffer stays: millions of revisions have one change.
    mutating func begin(after previous: [UInt8]) {
        hash = SHA256()
        buffer.removeAll(keepingCapacity: true)
        hash.update(data: previous)
    }

    /// Adds the columns `first..<end` of the row at hand.
    mutating func add(_ row: some ScannedRows, _ columns: Range<Int>) {
        for column in columns {
            switch row.value(column) {
            case .absent: buffer.append(UInt8(ascii: "~"))
            case .integer(let number): add(number)
            case .text(let bytes): add(bytes)
            // No text begins so: it can't fit any digest.
            case .other: buffer.append(UInt8(ascii: "?"))
            }
        }
        if buffer.count >= Self.flushAt { flush() }
    }

    mutating func finish() -> [UInt8] {
        flush()
        return Array(hash.finalize())
    }

    private mutating func flush() {
        buffer.withUnsafeBytes { hash.update(bufferPointer: $0) }
        buffer.removeAll(keepingCapacity: true)
    }

    private mutating func add(_ bytes: UnsafeRawBufferPointer) {
        digits(UInt64(bytes.count))
        buffer.append(UInt8(ascii: ":"))
        buffer.append(contentsOf: bytes)
        buffer.append(UInt8(ascii: ","))
    }

    private mutating func add(_ number: Int64) {
        var length = number < 0 ? 2 : 1
        var rest = number.magnitude / 10
        while rest > 0 {
            rest /= 10
            length += 1
        }
        digits(UInt64(length))
        buffer.append(UInt8(ascii: ":"))
        if number < 0 { buffer.append(UInt8(ascii: "-")) }
        digits(number.magnitude)
        buffer.append(UInt8(ascii: ","))
    }

    private mutating func digits(_ number: UInt64) {
        guard number >= 10 else { return buffer.append(UInt8(ascii: "0") + UInt8(number)) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = number
            var start = digits.count
            while rest > 0 {
                let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
                start -= 1
                digits.initializeElement(at: start, to: UInt8(ascii: "0") + UInt8(digit))
                rest = quotient
            }
            buffer.append(contentsOf: UnsafeBufferPointer(rebasing: digits[start...]))
        }
    }
}
