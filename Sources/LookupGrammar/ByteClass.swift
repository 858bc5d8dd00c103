/// A set of ASCII bytes, as bits: whether a byte is in it is a shift and a mask.
struct ByteClass {
    /// For 0x00–0x3F and 0x40–0x7F, the lowest bit first.
    let low: UInt64
    let high: UInt64

    func contains(_ byte: UInt8) -> Bool {
        let half = byte < 0x40 ? low : high
        return byte < 0x80 && half &>> UInt64(byte & 0x3F) & 1 != 0
    }

    /// Letters, digits, `.` and `-`: what a name is made of where nothing has to be decoded.
    static var name: ByteClass {
        ByteClass(low: 0x03FF_6000_0000_0000, high: 0x07FF_FFFE_07FF_FFFE)
    }

    /// The same with `:`, `_`, `[` and `]`: hosts as visitors send them, their ports too.
    static var host: ByteClass {
        ByteClass(low: 0x07FF_6000_0000_0000, high: 0x07FF_FFFE_AFFF_FFFE)
    }

    /// RFC 9110 §5.6.2: what a field's name is made of.
    static var token: ByteClass {
        ByteClass(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE)
    }

    /// 0x21–0x7E.
    static var visible: ByteClass {
        ByteClass(low: 0xFFFF_FFFE_0000_0000, high: 0x7FFF_FFFF_FFFF_FFFF)
    }
}

extension UnsafeRawBufferPointer {
    /// The first place from `start` on whose byte isn't in `set`; `count` where all are.
    func end(of set: ByteClass, from start: Int) -> Int {
        var place = start
        while place < count, set.contains(self[place]) { place &+= 1 }
        return place
    }

    func holds(_ text: StaticString, at start: Int) -> Bool {
        guard count &- start >= text.utf8CodeUnitCount else { return false }
        for offset in 0..<text.utf8CodeUnitCount
        where self[start &+ offset] != text.utf8Start[offset] { return false }
        return true
    }

    /// Whether the bytes at `range` are `text` in any case of letters. `text` is of small letters,
    /// digits and hyphens; the range holds visible ASCII.
    func equals(_ text: StaticString, anyCase range: Range<Int>) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        for offset in 0..<text.utf8CodeUnitCount {
            let byte = self[range.lowerBound &+ offset]
            let isCapital = byte >= 0x41 && byte <= 0x5A
            guard (isCapital ? byte | 0x20 : byte) == text.utf8Start[offset] else { return false }
        }
        return true
    }
}
