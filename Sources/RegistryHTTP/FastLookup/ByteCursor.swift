/// Writes bytes one after another into memory that was set aside, and stops the program rather than
/// write beyond it.
struct ByteCursor {
    private let memory: UnsafeMutableRawBufferPointer
    /// Bytes written.
    private(set) var count = 0

    init(_ memory: UnsafeMutableRawBufferPointer) {
        self.memory = memory
    }

    mutating func write(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        take(bytes.count).copyMemory(from: source, byteCount: bytes.count)
    }

    mutating func write(_ text: StaticString) {
        take(text.utf8CodeUnitCount).copyMemory(
            from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
    }

    mutating func write(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { write($0) }
    }

    mutating func write(_ text: String) {
        var text = text
        text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
    }

    mutating func write(decimal number: Int64) {
        // The longest has twenty bytes.
        withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { digits in
            var rest = number.magnitude
            var start = 20
            repeat {
                let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
                start &-= 1
                digits[start] = 0x30 &+ UInt8(truncatingIfNeeded: digit)
                rest = quotient
            } while rest > 0
            if number < 0 {
                start &-= 1
                digits[start] = UInt8(ascii: "-")
            }
            write(UnsafeRawBufferPointer(rebasing: digits[start...]))
        }
    }

    private mutating func take(_ length: Int) -> UnsafeMutableRawPointer {
        precondition(memory.count &- count >= length, "an answer is longer than its memory")
        defer { count &+= length }
        return memory.baseAddress.unsafelyUnwrapped + count
    }
}
