/// What a server answers that has certain record sets: RFC 1034 §4.3.2 and RFC 4592.
///
/// Zone cuts aren't looked at: a name below one is answered as if it were in the zone.
public struct ZoneAnswers: Sendable {
    /// What a question finds, of whatever type.
    public enum Answer: Equatable, Sendable {
        /// What there is for the name; where it stands for a wildcard, with the wildcard's name.
        case sets([RecordSet])
        /// The name is there, because something is below it, and has nothing itself.
        case empty
        case noSuchName
    }

    public let zone: String
    private var sets: [String: [RecordSet]]
    /// Names that have nothing, and something below them.
    private var empty: Set<String> = []

    public init(zone: String, _ sets: some Sequence<RecordSet>) {
        self.zone = zone
        self.sets = Dictionary(grouping: sets, by: \.name)
        for name in self.sets.keys {
            var rest = ZoneName.parent(name)
            while let above = rest, ZoneName.isIn(zone, above), self.sets[above] == nil,
                empty.insert(above).inserted
            {
                rest = ZoneName.parent(above)
            }
        }
    }

    /// Whether the name, or something below it, has a record.
    public func exists(_ name: String) -> Bool {
        sets[name] != nil || empty.contains(name)
    }

    public func answer(_ name: String) -> Answer {
        if let found = sets[name] { return .sets(found) }
        guard !empty.contains(name) else { return .empty }
        let found = wildcard(over: name)
        return found.isEmpty ? .noSuchName : .sets(found)
    }

    /// What answers for names below `name` that aren't there.
    public func wildcard(below name: String) -> [RecordSet] {
        exists(name) ? sets["*." + name] ?? [] : wildcard(over: name)
    }

    /// Of a name that isn't there: the wildcard right below its closest encloser, if there is one.
    private func wildcard(over name: String) -> [RecordSet] {
        var rest = ZoneName.parent(name)
        while let above = rest, ZoneName.isIn(zone, above) {
            if exists(above) || above == zone { return sets["*." + above] ?? [] }
            rest = ZoneName.parent(above)
        }
        return []
    }
}
