/// The host of an upstream: RFC 3986 §3.2.2, as far as something can be reached by it.
enum UpstreamHost {
    /// - Parameter authority: without a user.
    static func withoutPort(_ authority: some StringProtocol) throws(UpstreamURL.Malformed)
        -> Substring
    {
        let authority = Substring(authority)
        let bracket = authority.lastIndex(of: "]")
        guard let colon = authority.lastIndex(of: ":"), bracket.map({ $0 < colon }) ?? true else {
            return authority
        }
        let digits = authority[authority.index(after: colon)...]
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), digits.first != "0",
            UInt16(digits) != nil
        else { throw .port }
        return authority[..<colon]
    }

    static func isHost(_ text: Substring) -> Bool {
        if text.hasPrefix("[") {
            return text.hasSuffix("]") && isIPv6(text.dropFirst().dropLast())
        }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        // Whoever looks such a name up takes it for an address.
        if let last = labels.last, !last.isEmpty, last.utf8.allSatisfy(isDigit) {
            return isIPv4(text)
        }
        return isName(text)
    }

    /// Names of containers have underscores, though no host of the DNS has one.
    private static func isName(_ text: Substring) -> Bool {
        let name = text.hasSuffix(".") ? text.dropLast() : text
        guard (1...253).contains(name.utf8.count) else { return false }
        return name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { byte in
                    isDigit(byte) || (0x41...0x5A).contains(byte & 0xDF) || byte == 0x2D
                        || byte == 0x5F
                }
        }
    }

    private static func isIPv4(_ text: Substring) -> Bool {
        let numbers = text.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 4
            && numbers.allSatisfy { number in
                (1...3).contains(number.utf8.count) && number.utf8.allSatisfy(isDigit)
                    && UInt8(number) != nil && (number.first != "0" || number.count == 1)
            }
    }

    private static func isIPv6(_ text: Substring) -> Bool {
        let halves = text.split(separator: "::", omittingEmptySubsequences: false)
        guard halves.count <= 2 else { return false }
        var count = 0
        for (index, half) in halves.enumerated() where !half.isEmpty {
            let isLast = index == halves.count - 1
            guard let groups = groups(half, mayEndWithIPv4: isLast) else { return false }
            count += groups
        }
        return halves.count == 2 ? count <= 7 : count == 8
    }

    /// - Returns: how many groups of sixteen bits; nil where they aren't such.
    private static func groups(_ text: Substring, mayEndWithIPv4: Bool) -> Int? {
        var parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var count = 0
        if mayEndWithIPv4, let last = parts.last, last.contains(".") {
            guard isIPv4(last) else { return nil }
            parts.removeLast()
            count = 2
        }
        let areGroups = parts.allSatisfy { group in
            (1...4).contains(group.utf8.count)
                && group.utf8.allSatisfy { byte in
                    isDigit(byte) || (0x41...0x46).contains(byte & 0xDF)
                }
        }
        return areGroups ? count + parts.count : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
