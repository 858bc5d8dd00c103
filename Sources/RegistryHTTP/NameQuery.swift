/// Parts of names, as lists and plans are filtered by them.
enum NameQuery {
    /// `kintone.com`, also as `.kintone.com` or `kintone.com.`, or a top-level label alone.
    static func suffix(_ text: String) -> String? {
        var name = text.lowercased().drop { $0 == "." }
        if name.last == "." { name.removeLast() }
        guard !name.isEmpty,
            name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x25 && $0 != 0x5F })
        else { return nil }
        return String(name)
    }
}
