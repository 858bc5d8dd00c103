/// Names as a difference looks at them.
extension ZoneName {
    /// Whether a name is `zone` or below it.
    static func isIn(_ zone: String, _ name: String) -> Bool {
        name == zone || isBelow(name, zone)
    }

    /// The ancestor, or the name itself, that stands right below `zone`; nil for the zone and for what isn't in it.
    static func top(of name: String, below zone: String) -> String? {
        guard isBelow(name, zone) else { return nil }
        let relative = name.utf8.dropLast(zone.utf8.count + 1)
        guard let dot = relative.lastIndex(of: UInt8(ascii: ".")) else { return name }
        // A dot may be escaped.
        guard !relative.contains(UInt8(ascii: "\\")) else {
            return between(name, zone).last ?? name
        }
        return String(name[relative.index(after: dot)...])
    }

    /// How many names are above a name in `zone`, up to the zone.
    static func depth(of name: String, below zone: String) -> Int {
        between(name, zone).count
    }

    /// The name in the tree that a name is about: a wildcard is about the one above it.
    static func node(_ name: String) -> String {
        isWildcard(name) ? String(name.dropFirst(2)) : name
    }

    /// Whether a name stands for those below the one above it that aren't there.
    static func isWildcard(_ name: String) -> Bool { name.utf8.starts(with: "*.".utf8) }
}
