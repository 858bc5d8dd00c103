/// An IPv4 address, as four decimal numbers are read by everybody: no leading zeros, which some take for octal.
public struct IPv4Address: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let number: UInt32

    /// `nil`: no such address.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var number: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.utf8.count),
                part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                part.utf8.first != 0x30 || part.utf8.count == 1, let byte = UInt8(part)
            else { return nil }
            number = number << 8 | UInt32(byte)
        }
        self.number = number
    }

    public var description: String {
        stride(from: 24, through: 0, by: -8).map { String(number >> UInt32($0) & 0xFF) }
            .joined(separator: ".")
    }

    public static func < (left: IPv4Address, right: IPv4Address) -> Bool {
        left.number < right.number
    }
}

/// An IPv6 address without a zone. Read in any of RFC 4291's forms, written in RFC 5952's one.
public struct IPv6Address: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Eight, the leftmost first.
    public let groups: [UInt16]

    /// `nil`: no such address.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count <= 45 else { return nil }
        let bytes = Array(text.utf8)
        let gaps = bytes.indices.dropLast().filter { bytes[$0] == 0x3A && bytes[$0 + 1] == 0x3A }
        guard gaps.count <= 1 else { return nil }
        if let gap = gaps.first {
            let head = Self.groups(bytes[..<gap], mayEndWithIPv4: false)
            let tail = Self.groups(bytes[(gap + 2)...], mayEndWithIPv4: true)
            guard let head, let tail, head.count + tail.count <= 7 else { return nil }
            groups = head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail
        } else {
            guard let all = Self.groups(bytes[...], mayEndWithIPv4: true), all.count == 8
            else { return nil }
            groups = all
        }
    }

    /// - Returns: none for nothing at all; nil where it isn't groups.
    private static func groups(_ bytes: ArraySlice<UInt8>, mayEndWithIPv4: Bool) -> [UInt16]? {
        guard !bytes.isEmpty else { return [] }
        var parts = bytes.split(separator: 0x3A, omittingEmptySubsequences: false)
        var tail: [UInt16] = []
        if mayEndWithIPv4, let last = parts.last, last.contains(0x2E) {
            guard let address = IPv4Address(String(decoding: last, as: UTF8.self)) else {
                return nil
            }
            parts.removeLast()
            tail = [UInt16(address.number >> 16), UInt16(address.number & 0xFFFF)]
        }
        var groups: [UInt16] = []
        for part in parts {
            let isHexadecimal = part.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x46).contains($0 & 0xDF)
            }
            guard (1...4).contains(part.count), isHexadecimal,
                let group = UInt16(String(decoding: part, as: UTF8.self), radix: 16)
            else { return nil }
            groups.append(group)
        }
        return groups + tail
    }

    public var description: String {
        let isMappedIPv4 = groups[..<5].allSatisfy { $0 == 0 } && groups[5] == 0xFFFF
        if isMappedIPv4 {
            let bytes = groups[6...].flatMap { [$0 >> 8, $0 & 0xFF] }.map(String.init)
            return "::ffff:" + bytes.joined(separator: ".")
        }
        guard let gap = longestZeros else { return Self.text(groups[...]) }
        return Self.text(groups[..<gap.lowerBound]) + "::" + Self.text(groups[gap.upperBound...])
    }

    private static func text(_ groups: ArraySlice<UInt16>) -> String {
        groups.map { String($0, radix: 16) }.joined(separator: ":")
    }

    /// The first of the longest runs of two zeros or more.
    private var longestZeros: Range<Int>? {
        var best: Range<Int>?
        var start: Int?
        for index in 0...8 {
            if index < 8, groups[index] == 0 {
                start = start ?? index
            } else if let begun = start {
                if index - begun >= 2, index - begun > best?.count ?? 0 { best = begun..<index }
                start = nil
            }
        }
        return best
    }

    public static func < (left: IPv6Address, right: IPv6Address) -> Bool {
        left.groups.lexicographicallyPrecedes(right.groups)
    }
}
