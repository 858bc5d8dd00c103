import RegistryModel

@testable import RegistryAPI

extension TreeParser {
    /// From the opening quote past the closing one. RFC 8259 §7.
    mutating func string() throws(JSONSyntaxError) -> String {
        index += 1
        let start = index
        index = input.firstJSONSpecial(from: start)
        // Nearly all strings hold no escape: they are one run of the input.
        if take("\"") {
            return try decoded(UnsafeBufferPointer(rebasing: input[start..<index - 1]), from: start)
        }
        var bytes: [UInt8] = []
        var run = start
        while let byte = peek {
            bytes.append(contentsOf: input[run..<index])
            switch byte {
            case UInt8(ascii: "\""):
                index += 1
                return try decoded(bytes, from: start)
            case UInt8(ascii: "\\"): try escape(into: &bytes)
            default: throw error("a control character in a string must be escaped")
            }
            run = index
            index = input.firstJSONSpecial(from: run)
        }
        throw error("the string doesn't end")
    }

    private func decoded(
        _ bytes: some Collection<UInt8>, from start: Int
    ) throws(JSONSyntaxError) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        // Escapes are ASCII and stand for whole scalars: what's wrong is in the input as it came.
        var parser = Unicode.UTF8.ForwardParser()
        var rest = input[start..<index].makeIterator()
        var offset = start
        while case .valid(let scalar) = parser.parseScalar(from: &rest) { offset += scalar.count }
        throw JSONSyntaxError(offset: offset, reason: "the string isn't valid UTF-8")
    }

    private mutating func escape(into bytes: inout [UInt8]) throws(JSONSyntaxError) {
        let start = index
        index += 1
        guard let letter = peek else { throw error("the string doesn't end") }
        index += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(letter)
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "u"): bytes.append(contentsOf: try scalar(from: start).utf8)
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

extension TreeParser {
    /// RFC 8259 §6: no sign but `-`, no leading zero, digits on both sides of the point.
    mutating func number() throws(JSONSyntaxError) -> JSONValue {
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
        if isWhole, let negated {
            if isNegative { return .integer(negated) }
            if negated != .min { return .integer(-negated) }
        }
        // The standard library reads decimals to the nearest Double, and infinity beyond the range.
        let text = String(decoding: input[start..<index], as: UTF8.self)
        guard let number = Double(text), number.isFinite else {
            throw JSONSyntaxError(offset: start, reason: "the number is out of range")
        }
        return .number(number)
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
