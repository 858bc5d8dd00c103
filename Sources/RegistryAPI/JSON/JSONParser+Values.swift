extension JSONParser {
    /// From the opening quote past the closing one. RFC 8259 §7.
    mutating func string() throws(JSONSyntaxError) {
        index += 1
        let start = index
        var hasEscapes = false
        while true {
            index = input.firstJSONSpecial(from: index)
            guard let byte = peek else { throw error("the string doesn't end") }
            if byte == UInt8(ascii: "\"") { break }
            guard byte == UInt8(ascii: "\\") else {
                throw error("a control character in a string must be escaped")
            }
            hasEscapes = true
            _ = try escape()
        }
        try checkEncoding(start..<index)
        append(.string, start..<index, hasEscapes: hasEscapes)
        index += 1
    }

    /// Escapes are ASCII and stand for whole scalars: what's wrong is in the input as it came.
    private func checkEncoding(_ range: Range<Int>) throws(JSONSyntaxError) {
        let bytes = UnsafeBufferPointer(rebasing: input[range])
        guard !bytes.isASCII, String(validating: bytes, as: UTF8.self) == nil else { return }
        var parser = Unicode.UTF8.ForwardParser()
        // The closing quote ends a sequence that isn't whole.
        var rest = input[range.lowerBound...range.upperBound].makeIterator()
        var offset = range.lowerBound
        while case .valid(let scalar) = parser.parseScalar(from: &rest) { offset += scalar.count }
        throw JSONSyntaxError(offset: offset, reason: "the string isn't valid UTF-8")
    }

    /// From the backslash past the escape.
    mutating func escape() throws(JSONSyntaxError) -> Unicode.Scalar {
        let start = index
        index += 1
        guard let letter = peek else { throw error("the string doesn't end") }
        index += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
            return Unicode.Scalar(letter)
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try scalar(from: start)
        default: throw JSONSyntaxError(offset: start, reason: "there is no such escape")
        }
    }

    /// What follows `\u`; two of them for a scalar beyond the basic plane.
    private mutating func scalar(from start: Int) throws(JSONSyntaxError) -> Unicode.Scalar {
        let half = JSONSyntaxError(offset: start, reason: "half of a surrogate pair")
        let first = try fourDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, take("\\"), take("u") else { throw half }
        let second = try fourDigits()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw half }
        return scalar
    }

    private mutating func fourDigits() throws(JSONSyntaxError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Self.hexadecimal(byte) else {
                throw error("four hexadecimal digits are expected")
            }
            value = value << 4 | digit
            index += 1
        }
        return value
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// The string whose quotes stand around `range`, and of which the parser has seen that it's well formed.
    func text(_ range: Range<Int>, hasEscapes: Bool) -> String {
        guard hasEscapes else { return String(decoding: self[range], as: UTF8.self) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        var parser = JSONParser(self)
        parser.index = range.lowerBound
        while parser.index < range.upperBound {
            let run = parser.index
            parser.index = Swift.min(firstJSONSpecial(from: run), range.upperBound)
            bytes.append(contentsOf: self[run..<parser.index])
            guard parser.index < range.upperBound, let scalar = try? parser.escape() else { break }
            bytes.append(contentsOf: scalar.utf8)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    fileprivate var isASCII: Bool {
        var index = 0
        let raw = UnsafeRawBufferPointer(self)
        while count - index >= 8 {
            let word = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            if word & 0x8080_8080_8080_8080 != 0 { return false }
            index += 8
        }
        while index < count, self[index] < 0x80 { index += 1 }
        return index == count
    }
}

extension JSONParser {
    /// RFC 8259 §6: no sign but `-`, no leading zero, digits on both sides of the point.
    mutating func number() throws(JSONSyntaxError) {
        let start = index
        let isNegative = take("-")
        let hasZero = peek == UInt8(ascii: "0")
        let firstDigit = index
        // Counted below zero: that side has room for one more.
        let negated = try digits()
        guard !hasZero || index == firstDigit + 1 else {
            throw JSONSyntaxError(offset: start, reason: "a number can't begin with zeros")
        }
        var isWhole = true
        if take(".") {
            isWhole = false
            try skipDigits()
        }
        if take("e") || take("E") {
            isWhole = false
            if !take("+") { _ = take("-") }
            try skipDigits()
        }
        if isWhole, let negated, isNegative || negated != .min {
            return append(.integer, start..<index)
        }
        // The standard library reads decimals to the nearest Double, and infinity beyond the range.
        let text = String(decoding: input[start..<index], as: UTF8.self)
        guard Double(text)?.isFinite == true else {
            throw JSONSyntaxError(offset: start, reason: "the number is out of range")
        }
        append(.number, start..<index)
    }

    /// One digit at least. The negated number, nil where it doesn't fit.
    private mutating func digits() throws(JSONSyntaxError) -> Int64? {
        var value: Int64? = 0
        let start = index
        while let digit {
            if let above = value {
                let (product, overflows) = above.multipliedReportingOverflow(by: 10)
                let (sum, overflowsToo) = product.subtractingReportingOverflow(Int64(digit))
                value = overflows || overflowsToo ? nil : sum
            }
            index += 1
        }
        guard index > start else { throw error("a digit is expected") }
        return value
    }

    private mutating func skipDigits() throws(JSONSyntaxError) {
        guard digit != nil else { throw error("a digit is expected") }
        while digit != nil { index += 1 }
    }

    private var digit: UInt8? {
        guard let byte = peek, byte >= 0x30, byte <= 0x39 else { return nil }
        return byte - 0x30
    }
}

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
