import RegistryModel

/// What a name of a zone has of one type.
public struct RecordSet: Hashable, Sendable {
    /// Absolute, lower case, without the final dot: `*.kintone.com`. In RFC 1035's presentation form: what is neither a
    /// letter, a digit, a hyphen, an underscore nor an asterisk is escaped.
    public var name: String
    /// Capitals: `A`, `TXT`, `TYPE65280`.
    public var type: String
    /// In seconds.
    public var ttl: UInt32
    public var data: RecordData
    /// Whether it's the operator's own, and not the registry's.
    public var isOperators: Bool

    public init(
        name: String, type: String, ttl: UInt32, data: RecordData, isOperators: Bool = false
    ) {
        self.name = name
        self.type = type
        self.ttl = ttl
        self.data = data
        self.isOperators = isOperators
    }
}

public enum RecordData: Hashable, Sendable {
    /// One for each record, in presentation form, sorted as text; names in it are absolute, with the final dot.
    case values([String])
    /// Route 53's own pointer.
    case alias(Route53Alias)
}

extension RecordSet {
    /// The types that lead visitors somewhere.
    public static let addressTypes: Set<String> = ["A", "AAAA", "CNAME"]
}

extension DNSTargets {
    /// The records of a name that is led there.
    public func recordSets(of name: String, ttl: UInt32) -> [RecordSet] {
        func set(_ type: String, _ data: RecordData) -> RecordSet {
            RecordSet(name: name, type: type, ttl: ttl, data: data)
        }
        switch self {
        case .addresses(let ipv4, let ipv6):
            var sets: [RecordSet] = []
            if !ipv4.isEmpty { sets.append(set("A", .values(ipv4.map(\.description).sorted()))) }
            if !ipv6.isEmpty {
                sets.append(set("AAAA", .values(ipv6.map(\.description).sorted())))
            }
            return sets
        case .cname(let target):
            return [set("CNAME", .values([target.text + "."]))]
        case .alias(let alias):
            return ["A", "AAAA"].map { set($0, .alias(alias)) }
        }
    }
}
