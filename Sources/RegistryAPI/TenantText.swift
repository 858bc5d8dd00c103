import Foundation
import RegistryModel

/// A tenant's name in its one form: without white space around it, in Unicode normal form C, so that however the same
/// letters were typed, it's one customer. What stores hold from before isn't changed.
package enum TenantText {
    package static let maximum = 200

    package static func canonical(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        guard !isPlain else { return text }
        var scalars = text.unicodeScalars[...]
        while scalars.first?.properties.isWhitespace == true { scalars.removeFirst() }
        while scalars.last?.properties.isWhitespace == true { scalars.removeLast() }
        return composed(String(scalars))
    }

    /// Foundation cuts a letter off, without a word, that has more than 62 marks once they're taken apart (swift-foundation of
    /// Swift 6.3.1): what would become another name stays as it is, and isn't valid.
    private static func composed(_ text: String) -> String {
        let composed = text.precomposedStringWithCanonicalMapping
        return composed == text ? composed : text
    }

    /// The beginning of a name: white space behind it may stand inside.
    package static func prefix(_ text: String) -> String {
        composed(String(text.unicodeScalars.drop { $0.properties.isWhitespace }))
    }

    package static func isValid(_ canonical: String) -> Bool {
        (1...maximum).contains(canonical.unicodeScalars.count)
            && canonical.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
            && isComposed(canonical) && PathName.arrives(canonical)
    }

    /// Whether it could be brought to its one form.
    package static func isComposed(_ canonical: String) -> Bool {
        canonical.precomposedStringWithCanonicalMapping == canonical
    }
}
