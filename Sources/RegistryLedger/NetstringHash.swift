import Crypto
import RegistryModel

/// SHA-256 over a sequence of fields, each a netstring (`5:japan,`), `~` where there is none;
/// numbers are decimal text. No two different sequences have one encoding, and any language checks
/// it in twenty lines.
package struct NetstringHash {
    private var hash = SHA256()
    private var buffer: [UInt8] = []

    private static let flushAt = 1 << 16

    package init() {
        buffer.reserveCapacity(Self.flushAt + 4096)
    }

    /// Bytes as they are, in front of the fields.
    package mutating func raw(_ bytes: [UInt8]) {
        buffer.append(contentsOf: bytes)
    }

    package mutating func text(_ text: String?) {
        guard var text else { return absent() }
        text.withUTF8 { bytes($0) }
    }

    package mutating func number(_ number: Int64?) {
        guard let number else { return absent() }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = number.magnitude
            var start = digits.count
            repeat {
                let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
                start -= 1
                digits.initializeElement(at: start, to: UInt8(ascii: "0") + UInt8(digit))
                rest = quotient
            } while rest > 0
            if number < 0 {
                start -= 1
                digits.initializeElement(at: start, to: UInt8(ascii: "-"))
            }
            bytes(UnsafeBufferPointer(rebasing: digits[start...]))
        }
    }

    package mutating func absent() {
        buffer.append(UInt8(ascii: "~"))
    }

    /// The text of one field, in UTF-8.
    package mutating func bytes(_ bytes: UnsafeBufferPointer<UInt8>) {
        length(bytes.count)
        buffer.append(UInt8(ascii: ":"))
        buffer.append(contentsOf: bytes)
        buffer.append(UInt8(ascii: ","))
        if buffer.count >= Self.flushAt { flush() }
    }

    package mutating func finish() -> [UInt8] {
        flush()
        return Array(hash.finalize())
    }

    private mutating func length(_ count: Int) {
        // Nearly all fields are shorter than a hundred bytes.
        switch count {
        case 0..<10: buffer.append(UInt8(ascii: "0") + UInt8(count))
        case 10..<100:
            buffer.append(UInt8(ascii: "0") + UInt8(count / 10))
            buffer.append(UInt8(ascii: "0") + UInt8(count % 10))
        default: buffer.append(contentsOf: String(count).utf8)
        }
    }

    private mutating func flush() {
        hash.update(data: buffer)
        buffer.removeAll(keepingCapacity: true)
    }
}
