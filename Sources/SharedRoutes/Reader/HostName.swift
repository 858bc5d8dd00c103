/// Reads a host as a visitor's request has it, by the rules of `/v1/route`: a port after the last colon, capitals and one dot
/// at the end go away. What isn't plain ASCII is no name here.
package enum HostName {
    /// - Parameter name: room for `RoutesFormat.longestName` bytes.
    /// - Returns: the name's length; nil: no domain has such a name.
    package static func read(
        _ host: UnsafeRawPointer, _ count: Int, into name: UnsafeMutableRawPointer
    ) -> Int? {
        func byte(_ place: Int) -> UInt8 { host.load(fromByteOffset: place, as: UInt8.self) }
        var end = count
        var colon = count
        while colon > 0, isDigit(byte(colon &- 1)) { colon &-= 1 }
        if colon > 0, byte(colon &- 1) == UInt8(ascii: ":") { end = colon &- 1 }
        if end > 0, byte(end &- 1) == UInt8(ascii: ".") { end &-= 1 }
        guard end > 0, end <= RoutesFormat.longestName else { return nil }
        for place in 0..<end {
            var letter = byte(place)
            guard letter < 0x80 else { return nil }
            if letter >= UInt8(ascii: "A"), letter <= UInt8(ascii: "Z") { letter |= 0x20 }
            name.storeBytes(of: letter, toByteOffset: place, as: UInt8.self)
        }
        return end
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }
}
