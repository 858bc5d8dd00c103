import HTTPTypes
import RegistryAPI

/// `Accept` and `Content-Type`, as far as a service that speaks JSON needs them.
enum ContentNegotiation {
    /// RFC 9110 §12.5.1: which of several types a client would rather have. Of equal weight, the one
    /// that it names more exactly, then the one that it names first, then ours.
    /// - Returns: nil where it takes none of them.
    static func choice(of types: [MediaType], _ fields: HTTPFields) -> MediaType? {
        let ranges = (fields[.accept] ?? "").split(separator: ",").map(trimmed)
            .filter { !$0.isEmpty }
        guard !ranges.isEmpty else { return types.first }
        var best: (weight: Double, precedence: Int, place: Int, type: MediaType)?
        for type in types {
            let names = ["*/*", "\(type.rawValue.prefix { $0 != "/" })/*", type.rawValue]
            let fitting = ranges.enumerated().compactMap { place, range in
                let parts = range.split(separator: ";").map(trimmed)
                return names.firstIndex { $0 == parts.first?.lowercased() ?? "" }
                    .map { (precedence: $0, weight: weight(parts), place: -place) }
            }
            guard let exact = fitting.max(by: { $0 < $1 }), exact.weight > 0 else { continue }
            let found = (exact.weight, exact.precedence, exact.place)
            if let best, (best.weight, best.precedence, best.place) >= found { continue }
            best = (exact.weight, exact.precedence, exact.place, type)
        }
        return best?.type
    }

    private static func weight(_ parts: [Substring]) -> Double {
        parts.dropFirst().first { $0.lowercased().hasPrefix("q=") }
            .flatMap { Double($0.dropFirst(2)) } ?? 1
    }

    /// Whether the body is JSON in UTF-8, not compressed.
    static func isJSON(_ fields: HTTPFields, alsoMergePatch: Bool) -> Bool {
        if let encoding = fields[.contentEncoding], encoding.lowercased() != "identity" {
            return false
        }
        guard let content = fields[.contentType] else { return false }
        let parts = content.split(separator: ";").map { trimmed($0).lowercased() }
        guard let type = parts.first,
            type == "application/json" || alsoMergePatch && type == "application/merge-patch+json"
        else { return false }
        let charset = parts.dropFirst().first { $0.hasPrefix("charset=") }?.dropFirst(8)
        return charset.map { ["utf-8", "\"utf-8\"", "utf8"].contains($0) } ?? true
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        var text = text.drop(while: isSpace)
        while let last = text.last, isSpace(last) { text.removeLast() }
        return text
    }
}
