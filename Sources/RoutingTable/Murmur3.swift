/// MurmurHash3_x64_128 of Austin Appleby (public domain), seed 0.
enum Murmur3 {
    private static let c1: UInt64 = 0x87c3_7b91_1142_53d5
    private static let c2: UInt64 = 0x4cf5_ad43_2745_937f

    static func hash(_ bytes: UnsafeRawBufferPointer) -> TableDigest {
        var (h1, h2): (UInt64, UInt64) = (0, 0)
        let tail = bytes.count & ~15
        var offset = 0
        while offset < tail {
            h1 ^= mixed(word(bytes, offset, 8), c1, 31, c2)
            h1 = (rotated(h1, 27) &+ h2) &* 5 &+ 0x52dc_e729
            h2 ^= mixed(word(bytes, offset &+ 8, 8), c2, 33, c1)
            h2 = (rotated(h2, 31) &+ h1) &* 5 &+ 0x3849_5ab5
            offset &+= 16
        }
        let rest = bytes.count &- tail
        if rest > 8 { h2 ^= mixed(word(bytes, tail &+ 8, rest &- 8), c2, 33, c1) }
        if rest > 0 { h1 ^= mixed(word(bytes, tail, min(rest, 8)), c1, 31, c2) }

        let length = UInt64(bytes.count)
        h1 ^= length
        h2 ^= length
        h1 = h1 &+ h2
        h2 = h2 &+ h1
        h1 = finished(h1)
        h2 = finished(h2)
        h1 = h1 &+ h2
        h2 = h2 &+ h1
        return TableDigest(low: h1, high: h2)
    }

    /// Up to eight bytes, the lowest first.
    private static func word(
        _ bytes: UnsafeRawBufferPointer, _ offset: Int, _ count: Int
    ) -> UInt64 {
        if count == 8 {
            return UInt64(
                littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        var word: UInt64 = 0
        for place in 0..<count { word |= UInt64(bytes[offset &+ place]) &<< UInt64(place &* 8) }
        return word
    }

    private static func mixed(
        _ word: UInt64, _ first: UInt64, _ turn: UInt64, _ second: UInt64
    ) -> UInt64 {
        rotated(word &* first, turn) &* second
    }

    private static func rotated(_ word: UInt64, _ turn: UInt64) -> UInt64 {
        word &<< turn | word &>> (64 &- turn)
    }

    private static func finished(_ word: UInt64) -> UInt64 {
        var word = word
        word ^= word &>> 33
        word = word &* 0xff51_afd7_ed55_8ccd
        word ^= word &>> 33
        word = word &* 0xc4ce_b9fe_1a85_ec53
        return word ^ word &>> 33
    }
}
