extension FQDN {
    /// What bytes are as a name.
    package enum Reading: Equatable, Sendable {
        /// Their canonical form has so many bytes.
        case canonical(Int)
        case malformed
        /// A label outside ASCII, or one that says it is: libidn2 has to see the text.
        case needsIDNA
    }

    /// Reads a name by the rules of `init`, without making a string of it.
    ///
    /// - Parameter canonical: takes the canonical form, `maximumBytes` at most.
    package static func read(
        _ bytes: UnsafeRawBufferPointer, canonical: UnsafeMutableRawBufferPointer
    ) -> Reading {
        var count = bytes.count
        if count > 0, bytes[count - 1] == UInt8(ascii: ".") { count -= 1 }
        guard count > 0, count <= maximumBytes else {
            // Longer text outside ASCII may still become a name.
            return count > maximumBytes && bytes.contains { $0 >= 0x80 } ? .needsIDNA : .malformed
        }
        var previous: UInt8 = 0
        for place in 0..<count {
            let byte = bytes[place]
            let isPair = byte == UInt8(ascii: "-") && previous == byte
            // Two hyphens in a row are rare: `init` looks at the labels one by one.
            if byte >= 0x80 || isPair { return .needsIDNA }
            canonical[place] = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            previous = byte
        }
        let isName: Void? = try? check(UnsafeRawBufferPointer(rebasing: canonical[..<count]))
        return isName == nil ? .malformed : .canonical(count)
    }

    /// Bytes of the longest name.
    package static var maximumLength: Int { maximumBytes }
}
