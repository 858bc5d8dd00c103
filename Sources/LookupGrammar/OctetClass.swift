/// A set of ASCII octets, as bits: whether an octet is in it is a shift and a mask.
struct OctetClass {
    /// For 0x00–0x3F and 0x40–0x7F, the lowest bit first.
    let low: UInt64
    let high: UInt64

    func contains(_ octet: UInt8) -> Bool {
        let half = octet < 0x40 ? low : high
        return octet < 0x80 && half &>> UInt64(octet & 0x3F) & 1 != 0
    }

    /// Letters, digits, `.` and `-`: what a name is made of where nothing has to be decoded.
    static var name: OctetClass {
        OctetClass(low: 0x03FF_6000_0000_0000, high: 0x07FF_FFFE_07FF_FFFE)
    }

    /// The same with `:`, `_`, `[` and `]`: hosts as visitors send them, their ports too.
    static var host: OctetClass {
        OctetClass(low: 0x07FF_6000_0000_0000, high: 0x07FF_FFFE_AFFF_FFFE)
    }

    /// RFC 9110 §5.6.2: what a field's name is made of.
    static var token: OctetClass {
        OctetClass(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE)
    }

    /// 0x21–0x7E.
    static var visible: OctetClass {
        OctetClass(low: 0xFFFF_FFFE_0000_0000, high: 0x7FFF_FFFF_FFFF_FFFF)
    }
}

extension UnsafeRawBufferPointer {
    /// The first place from `start` on whose octet isn't in `set`; `count` where all are.
    func end(of set: OctetClass, from start: Int) -> Int {
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

    /// Whether the octets at `range` are `text` in any case of letters. `text` is of small letters,
    /// digits and hyphens; the range holds visible ASCII.
    func equals(_ text: StaticString, anyCase range: Range<Int>) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        for offset in 0..<text.utf8CodeUnitCount {
            let octet = self[range.lowerBound &+ offset]
            let isCapital = octet >= 0x41 && octet <= 0x5A
            guard (isCapital ? octet | 0x20 : octet) == text.utf8Start[offset] else { return false }
        }
        return true
    }
}
