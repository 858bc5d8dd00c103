import RegistryAPI

/// The query of a request target, in order, percent-decoded.
struct Query: Sendable {
    struct Item: Sendable {
        var name: String
        /// `nil`: the text isn't UTF-8, a percent sign begins nothing, or it holds a NUL.
        var value: String?
    }

    let items: [Item]
    /// Parameters that the endpoint has; nil: not known.
    let declared: Set<String>?

    init(target: String, declared: Set<String>? = nil) {
        self.declared = declared
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else {
            items = []
            return
        }
        // A target has no fragment (RFC 9112 §3.2): a number sign is a visitor's, and part of a host
        // that nobody has.
        let text = target[target.index(after: mark)...]
        items = text.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return Item(
                name: PercentCoding.decode(parts[0], plusIsSpace: true) ?? String(parts[0]),
                value: parts.count == 2 ? PercentCoding.decode(parts[1], plusIsSpace: true) : "")
        }
    }

    func values(_ name: String) -> [String?] {
        items.filter { $0.name == name }.map(\.value)
    }
}
