/// Tells whether a key came before in the same object, by octets: `String`'s `==` takes canonical
/// equivalents for one another, and RFC 8259 §8.3 compares code unit by code unit.
struct JSONKeys {
    /// Up to so many, comparing with each is faster than a set.
    private static let few = 16

    private var seen: Set<Key> = []

    /// False where `key` is that of one of `members`, which are all those before it.
    mutating func insert(_ key: String, after members: [JSONValue.Member]) -> Bool {
        guard members.count >= Self.few else {
            return !members.contains { $0.key.hasSameOctets(as: key) }
        }
        if seen.isEmpty { seen = Set(members.map { Key(text: $0.key) }) }
        return seen.insert(Key(text: key)).inserted
    }

    /// For a complaint. By scalars: one `Character` can be as long as the document.
    static func duplicate(_ key: String) -> String {
        "the key \"\(String(key.unicodeScalars.prefix(64)))\" comes twice"
    }

    /// Hashed with the process's random seed: no sender can choose keys that collide.
    private struct Key: Hashable {
        let text: String

        static func == (left: Key, right: Key) -> Bool { left.text.hasSameOctets(as: right.text) }

        func hash(into hasher: inout Hasher) {
            let isDone: Void? = text.utf8.withContiguousStorageIfAvailable {
                hasher.combine(bytes: UnsafeRawBufferPointer($0))
            }
            // Ours are native strings, which are always contiguous.
            if isDone == nil { hasher.combine(text.utf8.count) }
        }
    }
}

extension String {
    func hasSameOctets(as other: String) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
    }
}
