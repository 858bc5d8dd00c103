extension JSONParser {
    /// From the opening quote past the closing one. RFC 8259 §7.
    mutating func string() throws(JSONSyntaxError) -> String {
        index += 1
        let start = index
        index = input.firstJSONSpecial(from: start)
        // Nearly all strings hold no escape: they are one run of the input.
        if take("\"") {
            return try decoded(UnsafeBufferPointer(rebasing: input[start..<index - 1]), from: start)
        }
        var octets: [UInt8] = []
        var run = start
        while let octet = peek {
            octets.append(contentsOf: input[run..<index])
            switch octet {
            case UInt8(ascii: "\""):
                index += 1
                return try decoded(octets, from: start)
            case UInt8(ascii: "\\"): try escape(into: &octets)
            default: throw error("a control character in a string must be escaped")
            }
            run = index
            index = input.firstJSONSpecial(from: run)
        }
        throw error("the string doesn't end")
    }

    private func decoded(
        _ octets: some Collection<UInt8>, from start: Int
    ) throws(JSONSyntaxError) -> String {
        if let text = String(validating: octets, as: UTF8.self) { return text }
        // Escapes are ASCII and stand for whole scalars: what's wrong is in the input as it came.
        var parser = Unicode.UTF8.ForwardParser()
        var rest = input[start..<index].makeIterator()
        var offset = start
        while case .valid(let scalar) = parser.parseScalar(from: &rest) { offset += scalar.count }
        throw JSONSyntaxError(offset: offset, reason: "the string isn't valid UTF-8")
    }

    private mutating func escape(into octets: inout [UInt8]) throws(JSONSyntaxError) {
        let start = index
        index += 1
        guard let letter = peek else { throw error("the string doesn't end") }
        index += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): octets.append(letter)
        case UInt8(ascii: "b"): octets.append(0x08)
        case UInt8(ascii: "f"): octets.append(0x0C)
        case UInt8(ascii: "n"): octets.append(0x0A)
        case UInt8(ascii: "r"): octets.append(0x0D)
        case UInt8(ascii: "t"): octets.append(0x09)
        case UInt8(ascii: "u"): octets.append(contentsOf: try scalar(from: start).utf8)
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
            guard let octet = peek, let digit = Self.hexadecimal(octet) else {
                throw error("four hexadecimal digits are expected")
            }
            value = value << 4 | digit
            index += 1
        }
        return value
    }

    private static func hexadecimal(_ octet: UInt8) -> UInt32? {
        switch octet {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(octet - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(octet - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(octet - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
