import HTTPTypes

/// `Accept` and `Content-Type`, as far as a service that speaks JSON needs them.
enum ContentNegotiation {
    /// RFC 9110 §12.5.1: whether one of the ranges takes `application/json`.
    static func acceptsJSON(_ fields: HTTPFields) -> Bool {
        guard let accept = fields[.accept] else { return true }
        return accept.split(separator: ",").contains { range in
            let parts = range.split(separator: ";").map(trimmed)
            guard let type = parts.first?.lowercased(),
                ["*/*", "application/*", "application/json"].contains(type)
            else { return false }
            let weight = parts.dropFirst().first { $0.lowercased().hasPrefix("q=") }?.dropFirst(2)
            return weight.flatMap { Double($0) } != 0
        }
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
