import RegistryModel

/// One change of a batch, as Route 53 takes it.
public struct Route53Change: Hashable, Sendable {
    public enum Action: String, Sendable {
        /// Refused where the set is there already, and with it the whole batch: nobody's work of the meantime is overwritten.
        case create = "CREATE"
        /// Refused where the set isn't there with exactly these values.
        case delete = "DELETE"
        case upsert = "UPSERT"
    }

    public var action: Action
    public var set: RecordSet
    /// As Route 53 has them, or shall; none for an alias.
    public var values: [String]
    public var evaluatesHealth: Bool

    init(_ action: Action, _ set: RecordSet) {
        self.action = action
        self.set = set
        if case .values(let all) = set.data { values = all } else { values = [] }
        evaluatesHealth = false
    }

    init(deleting served: ServedSet) {
        self.init(.delete, served.set)
        values = served.written ?? values
        evaluatesHealth = served.evaluatesHealth
    }
}

/// Change batches within Route 53's quotas.
public enum Route53Batches {
    /// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html>: 1,000 `ResourceRecord` elements and 32,000
    /// characters of `Value` elements a request; of an `UPSERT` both count twice. An alias, which has neither, is counted as one
    /// record with its target's name.
    public static let limit = BatchSize(names: 1000, records: 1000, text: 32_000)
    /// The same page: record sets of a zone, unless AWS has raised it.
    public static let recordSetsOfZone = 10_000

    public static func batches(of difference: ZoneDifference) -> [[Route53Change]] {
        difference.batches(within: limit, size: size(of:)).map { $0.flatMap(changes(of:)) }
            .filter { !$0.isEmpty }
    }

    /// What is deleted comes first, so that a CNAME is gone when addresses come.
    public static func changes(of change: NameChange) -> [Route53Change] {
        var (deleted, written): ([Route53Change], [Route53Change]) = ([], [])
        for old in change.before {
            let isUpserted = change.after.contains {
                $0.type == old.set.type && $0.isOfKind(old.set)
            }
            if !isUpserted { deleted.append(Route53Change(deleting: old)) }
        }
        for new in change.after {
            let old = change.before.first { $0.set.type == new.type && new.isOfKind($0.set) }
            if let old, new.isServed(as: old.set) { continue }
            written.append(Route53Change(old == nil ? .create : .upsert, new))
        }
        return deleted + written
    }

    static func size(of change: NameChange) -> BatchSize {
        changes(of: change).reduce(BatchSize(names: 1)) { sum, change in
            let times = change.action == .upsert ? 2 : 1
            let (records, text) =
                switch change.set.data {
                case .values:
                    (change.values.count, change.values.reduce(0) { $0 + $1.unicodeScalars.count })
                case .alias(let alias): (1, alias.name.text.utf8.count)
                }
            return sum + BatchSize(records: times * records, text: times * text)
        }
    }
}

extension RecordSet {
    /// Whether both are aliases, or neither is: an update can't be relied on to make one of the other.
    fileprivate func isOfKind(_ other: RecordSet) -> Bool {
        switch (data, other.data) {
        case (.values, .values), (.alias, .alias): true
        case (.values, .alias), (.alias, .values): false
        }
    }
}
