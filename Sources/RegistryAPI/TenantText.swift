import Foundation

/// A tenant's name in its one form: without white space around it, in Unicode normal form C, so that what looks alike is
/// one customer. What stores hold from before isn't changed.
package enum TenantText {
    package static let maximum = 200

    package static func canonical(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        guard !isPlain else { return text }
        var scalars = text.unicodeScalars[...]
        while scalars.first?.properties.isWhitespace == true { scalars.removeFirst() }
        while scalars.last?.properties.isWhitespace == true { scalars.removeLast() }
        return String(scalars).precomposedStringWithCanonicalMapping
    }

    /// The beginning of a name: white space behind it may stand inside.
    package static func prefix(_ text: String) -> String {
        String(text.unicodeScalars.drop { $0.properties.isWhitespace })
            .precomposedStringWithCanonicalMapping
    }

    package static func isValid(_ canonical: String) -> Bool {
        (1...maximum).contains(canonical.unicodeScalars.count)
            && canonical.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }
}
