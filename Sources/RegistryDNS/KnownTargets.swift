import RegistryModel

/// What leads to a location, now or before: a record set that has nothing else is the registry's own, wherever the operator's
/// base doesn't hold it.
///
/// It's told by the values because servers keep no mark of who wrote a record: a TXT beside each would have to be there
/// before its name, which takes the wildcard from it.
public struct KnownTargets: Sendable {
    private var values: [String: Set<String>] = [:]
    private var aliases: Set<Route53Alias> = []

    public init(_ targets: some Sequence<DNSTargets>, former: some Sequence<FormerTarget> = []) {
        for set in targets.flatMap({ $0.recordSets(of: "*", ttl: 0) }) { insert(set) }
        for target in former {
            switch target {
            case .value(let type, let value): values[type, default: []].insert(value)
            case .alias(let alias): aliases.insert(alias)
            }
        }
    }

    /// Where a set leads to, if it leads anywhere.
    mutating func insert(_ set: RecordSet) {
        guard RecordSet.addressTypes.contains(set.type) else { return }
        switch set.data {
        case .values(let all): values[set.type, default: []].formUnion(all)
        case .alias(let alias): aliases.insert(alias)
        }
    }

    /// Whether the set leads to locations alone.
    public func holds(_ set: RecordSet) -> Bool { holds(set, or: nil) }

    /// Whether the set leads to these, or to those, alone.
    func holds(_ set: RecordSet, or others: KnownTargets?) -> Bool {
        guard RecordSet.addressTypes.contains(set.type) else { return false }
        switch set.data {
        case .values(let all):
            return !all.isEmpty
                && all.allSatisfy { value in
                    values[set.type]?.contains(value) ?? false
                        || others?.values[set.type]?.contains(value) ?? false
                }
        case .alias(let alias):
            return aliases.contains(alias) || others?.aliases.contains(alias) ?? false
        }
    }
}

/// What a location had before, as an operator gives it.
public enum FormerTarget: Hashable, Sendable {
    case value(type: String, String)
    case alias(Route53Alias)

    /// An address, a name, or `ZONE-ID/NAME` of an alias; nil: none of these.
    public init?(_ text: String) {
        if let address = IPv4Address(text) {
            self = .value(type: "A", address.description)
        } else if let address = IPv6Address(text) {
            self = .value(type: "AAAA", address.description)
        } else if let slash = text.firstIndex(of: "/") {
            guard let name = try? FQDN(text[text.index(after: slash)...]),
                let alias = Route53Alias(hostedZoneID: String(text[..<slash]), name: name)
            else { return nil }
            self = .alias(alias)
        } else {
            guard let name = try? FQDN(text) else { return nil }
            self = .value(type: "CNAME", name.text + ".")
        }
    }
}
