import RegistryModel

/// What is needed of names in presentation form, where a dot may be escaped.
enum ZoneName {
    /// What a zone can hold, without the final dot.
    static let maximumBytes = FQDN.maximumBytes

    /// The name above, or nil for a name of one label.
    static func parent(_ name: Substring) -> Substring? {
        var isEscaped = false
        for index in name.utf8.indices {
            let byte = name.utf8[index]
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: ".") {
                return name[name.utf8.index(after: index)...]
            }
        }
        return nil
    }

    static func parent(_ name: String) -> String? { parent(Substring(name)).map(String.init) }

    /// Whether a name lies below another one, and isn't it.
    static func isBelow(_ name: some StringProtocol, _ zone: String) -> Bool {
        let (name, zone) = (name.utf8, zone.utf8)
        guard name.count > zone.count + 1 else { return false }
        let rest = name.suffix(zone.count + 1)
        return rest.first == UInt8(ascii: ".") && rest.dropFirst().elementsEqual(zone)
    }

    /// The names above `name` that lie below `zone`, the nearest first.
    static func between(_ name: String, _ zone: String) -> [String] {
        var names: [String] = []
        var rest = Substring(name)
        while let parent = parent(rest), isBelow(parent, zone) {
            names.append(String(parent))
            rest = parent
        }
        return names
    }

    /// Whether a visitor's host could have the name: a label with an underscore is the DNS' own.
    static func mayBeHost(_ name: String) -> Bool {
        !name.utf8.contains { $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "\\") }
    }

    /// Names in the order of this are as RFC 4034 §6.1 sorts them, as far as they aren't escaped: the zone, then each
    /// name with what lies below it.
    static func sortKey(_ name: String) -> [UInt8] {
        var labels: [Substring.UTF8View] = []
        var rest: Substring? = Substring(name)
        while let name = rest {
            let parent = parent(name)
            let end = parent.map { name.utf8.index(before: $0.startIndex) } ?? name.endIndex
            labels.append(name[..<end].utf8)
            rest = parent
        }
        var key: [UInt8] = []
        key.reserveCapacity(name.utf8.count + 1)
        for label in labels.reversed() {
            key += label
            // Below every byte of a label, so that what lies below a name comes before its longer neighbours.
            key.append(0)
        }
        return key
    }
}
