/// Tells whether a key came before in the same object, by bytes: `String`'s `==` takes canonical
/// equivalents for one another, and RFC 8259 §8.3 compares code unit by code unit.
struct JSONKeys {
    /// Up to so many, comparing with each is faster than a set.
    static let few = 16

    private var seen: Set<Key> = []

    /// - Returns: false where it was here before.
    mutating func insert(_ key: String) -> Bool { seen.insert(Key(text: key)).inserted }

    /// For a complaint. By scalars: one `Character` can be as long as the document.
    static func duplicate(_ key: String) -> String {
        "the key \"\(String(key.unicodeScalars.prefix(64)))\" comes twice"
    }

    /// Hashed with the process's random seed: no sender can choose keys that collide.
    private struct Key: Hashable {
        let text: String

        static func == (left: Key, right: Key) -> Bool { left.text.hasSameBytes(as: right.text) }

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
    func hasSameBytes(as other: String) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
    }
}
