import RegistryModel

/// Where the next byte goes, in memory that has room for it.
struct JSONCursor {
    var place: UnsafeMutablePointer<UInt8>

    /// Of one byte.
    static let longestEscape = 6

    mutating func byte(_ byte: Unicode.Scalar) { self.byte(UInt8(ascii: byte)) }

    mutating func byte(_ byte: UInt8) {
        place.pointee = byte
        place += 1
    }

    mutating func comma(_ isNeeded: Bool) { if isNeeded { byte(",") } }

    mutating func bytes(_ text: UnsafeBufferPointer<UInt8>) {
        guard let start = text.baseAddress else { return }
        place.update(from: start, count: text.count)
        place += text.count
    }

    /// `description`, without a string in between.
    mutating func time(_ time: Timestamp) {
        time.write(to: UnsafeMutableBufferPointer(start: place, count: 24))
        place += 24
    }

    mutating func digits(_ number: UInt64) {
        var (rest, length) = (number, 1)
        while rest >= 10 { (rest, length) = (rest / 10, length + 1) }
        rest = number
        for offset in (0..<length).reversed() {
            place[offset] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        place += length
    }

    /// RFC 8259 §7: only what must be escaped is. The rest is copied run by run.
    mutating func escaped(_ text: UnsafeBufferPointer<UInt8>) {
        var start = 0
        while true {
            let end = text.firstJSONSpecial(from: start)
            bytes(UnsafeBufferPointer(rebasing: text[start..<end]))
            guard end < text.count else { break }
            escape(text[end])
            start = end + 1
        }
    }

    private mutating func escape(_ byte: UInt8) {
        self.byte("\\")
        switch byte {
        case 0x08: self.byte("b")
        case 0x09: self.byte("t")
        case 0x0A: self.byte("n")
        case 0x0C: self.byte("f")
        case 0x0D: self.byte("r")
        case 0..<0x20:
            for digit: Unicode.Scalar in ["u", "0", "0", byte < 0x10 ? "0" : "1"] {
                self.byte(digit)
            }
            let low = byte & 15
            self.byte(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        default: self.byte(byte)
        }
    }
}
