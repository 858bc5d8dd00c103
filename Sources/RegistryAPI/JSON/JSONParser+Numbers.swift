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
