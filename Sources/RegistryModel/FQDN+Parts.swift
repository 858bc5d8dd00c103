// Ends, beginnings and pieces of names, as lists and plans select by them.

extension FQDN {
    /// The end of names, in canonical form: whole labels, one or more, as people write them, a dot before
    /// and after them or not.
    ///
    /// - Throws: the first rule that every name with this end would break.
    public static func suffix(_ input: some StringProtocol) throws(Malformed) -> String {
        var ending = withoutTrailingDot(input)
        if ending.utf8.first == UInt8(ascii: ".") { ending.unicodeScalars.removeFirst() }
        guard !ending.isEmpty else { throw .empty }
        // A label alone gets another one, because a name has two.
        let isAlone = !ending.utf8.contains(UInt8(ascii: "."))
        let name = try FQDN(isAlone ? "a.\(ending)" : ending).text
        return isAlone ? String(name.dropFirst(2)) : name
    }

    /// The beginning of names, in canonical form: whole labels with their dots, then the beginning of one.
    /// ASCII only, for a beginning in other letters is none of an A-label.
    ///
    /// - Throws: the first rule that every name with this beginning would break.
    public static func prefix(_ input: some StringProtocol) throws(Malformed) -> String {
        guard input.utf8.allSatisfy({ $0 < 0x80 }) else { throw .partOutsideASCII }
        let beginning = lowercasingASCII(String(input))
        guard beginning.utf8.count <= maximumBytes else { throw .tooLong }
        var labels = beginning.split(separator: ".", omittingEmptySubsequences: false)
        let begun = labels.removeLast()
        for label in labels { _ = try FQDN("\(label).a") }
        guard !begun.isEmpty else { return beginning }
        // Where there's room in it, a letter may follow.
        let hasRoom = begun.utf8.count < maximumLabelBytes
        try check("\(begun)\(hasRoom ? "a" : "").a".utf8)
        return beginning
    }

    /// A piece of names, in canonical form, from anywhere in them: the end of a label, whole labels, the beginning of
    /// one. ASCII only, for a piece in other letters is none of an A-label.
    ///
    /// - Throws: the first rule that every name with this piece would break.
    public static func piece(_ input: some StringProtocol) throws(Malformed) -> String {
        guard input.utf8.allSatisfy({ $0 < 0x80 }) else { throw .partOutsideASCII }
        let piece = lowercasingASCII(String(input))
        guard piece.utf8.count >= pieceBytes.lowerBound else { throw .pieceTooShort }
        guard piece.utf8.count <= pieceBytes.upperBound else { throw .tooLong }
        let labels = piece.split(separator: ".", omittingEmptySubsequences: false)
        for (place, label) in labels.enumerated() {
            let isCut = (begin: place == 0, end: place == labels.count - 1)
            guard isCut.begin || isCut.end else {
                _ = try FQDN("\(label).a")
                continue
            }
            if label.isEmpty { continue }
            // What is cut off goes on: with a letter, where it couldn't stand alone.
            let before = isCut.begin && label.first == "-" ? "a" : ""
            let behind = isCut.end && label.last == "-" ? "a" : ""
            try check("\(before)\(label)\(behind).a".utf8)
        }
        return piece
    }

    /// How long a piece may be. One byte would be in nearly every name.
    public static var pieceBytes: ClosedRange<Int> { 2...maximumBytes }
}

extension FQDN {
    /// The names above this one, the nearest first, down to two labels.
    package var ancestors: [FQDN] {
        var result: [FQDN] = []
        var rest = text[...]
        while let dot = rest.firstIndex(of: ".") {
            rest = rest[rest.index(after: dot)...]
            guard rest.contains(".") else { break }
            result.append(FQDN(canonical: String(rest)))
        }
        return result
    }

    /// The labels from the last to the first, for example `com.kintone.acme`: in this order names below
    /// one another stand side by side.
    package var treeKey: String {
        text.split(separator: ".").reversed().joined(separator: ".")
    }
}

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
