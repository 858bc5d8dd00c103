extension UInt8 {
    /// Whether it can't stand for itself in a JSON string, RFC 8259 §7: a quote, a backslash or a
    /// control character below the space.
    fileprivate var isJSONSpecial: Bool { self == 0x22 || self == 0x5C || self < 0x20 }
}

extension UnsafeBufferPointer<UInt8> {
    /// The place of the first byte from `start` on that can't stand for itself in a JSON string,
    /// `count` where there is none. Nearly all the time of parsing and writing would go here byte
    /// by byte: it looks at eight at once.
    func firstJSONSpecial(from start: Int) -> Int {
        var index = start
        let raw = UnsafeRawBufferPointer(self)
        while count - index >= 8 {
            let word = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self).littleEndian
            let hits = Self.specials(in: word)
            if hits != 0 { return index + hits.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < count, !self[index].isJSONSpecial { index += 1 }
        return index
    }

    /// The lowest bit that is set is the highest bit of the first special byte. Those above it
    /// mean nothing, because the subtractions borrow from byte to byte.
    /// (The bit tricks are "determine if a word has a byte less than n" and "has a zero byte" of
    /// S. E. Anderson's Bit Twiddling Hacks.)
    private static func specials(in word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = word ^ (ones &* 0x22)
        let backslashes = word ^ (ones &* 0x5C)
        let controls = (word &- ones &* 0x20) & ~word
        return (controls | (quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes)
            & (ones &* 0x80)
    }
}
