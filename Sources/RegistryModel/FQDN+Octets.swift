extension FQDN {
    /// What octets are as a name.
    package enum Reading: Equatable, Sendable {
        /// Their canonical form has so many octets.
        case canonical(Int)
        case malformed
        /// A label outside ASCII, or one that says it is: libidn2 has to see the text.
        case needsIDNA
    }

    /// Reads a name by the rules of `init`, without making a string of it.
    ///
    /// - Parameter canonical: takes the canonical form, `maximumOctets` at most.
    package static func read(
        _ octets: UnsafeRawBufferPointer, canonical: UnsafeMutableRawBufferPointer
    ) -> Reading {
        var count = octets.count
        if count > 0, octets[count - 1] == UInt8(ascii: ".") { count -= 1 }
        guard count > 0, count <= maximumOctets else {
            // Longer text outside ASCII may still become a name.
            return count > maximumOctets && octets.contains { $0 >= 0x80 } ? .needsIDNA : .malformed
        }
        var previous: UInt8 = 0
        for place in 0..<count {
            let octet = octets[place]
            let isPair = octet == UInt8(ascii: "-") && previous == octet
            // Two hyphens in a row are rare: `init` looks at the labels one by one.
            if octet >= 0x80 || isPair { return .needsIDNA }
            canonical[place] = octet >= 0x41 && octet <= 0x5A ? octet | 0x20 : octet
            previous = octet
        }
        let isName: Void? = try? check(UnsafeRawBufferPointer(rebasing: canonical[..<count]))
        return isName == nil ? .malformed : .canonical(count)
    }

    /// Octets of the longest name.
    package static var maximumLength: Int { maximumOctets }
}
