import RegistryModel

/// All that a zone has to have: the operator's records, the default location's wildcard, and every name for which that
/// isn't enough. Without an SOA.
public struct ZonePicture: Sendable {
    /// In RFC 4034's order of names, then by type.
    public let sets: [RecordSet]
    /// What the registry knows and the picture doesn't say, by name.
    public let leftOut: [(name: String, refusal: ZoneRules.Refusal)]
    /// How many names of other zones the registry knows.
    public let namesOutside: Int
    /// The first of them, by name.
    public let firstOutside: [String]

    public static let outsideShown = 100

    /// - Parameter forEachName: shows every name and where it lives, in any order, twice the same.
    public init(
        _ rules: ZoneRules, forEachName: ((Substring, LocationName) -> Void) throws -> Void
    ) throws {
        try self.init(rules, nil, forEachName: forEachName)
    }

    /// - Parameters:
    ///   - part: the places that are wanted; nil: all.
    ///   - forEachName: shows every name that may count for them.
    init(
        _ rules: ZoneRules, _ part: ZonePart?,
        forEachName: ((Substring, LocationName) -> Void) throws -> Void
    ) throws {
        var names = NamesOfZone(rules)
        try forEachName { name, _ in names.lookAround(name) }
        try forEachName { names.add($0, at: $1) }

        var candidates = names.candidates(in: part)
        candidates.sort { $0.key.lexicographicallyPrecedes($1.key) }
        var sets: [RecordSet] = []
        var leftOut: [(name: String, refusal: ZoneRules.Refusal)] = []
        var previous: String?
        for candidate in candidates where candidate.name != previous {
            let name = candidate.name
            previous = name
            sets += try rules.records(of: name, names.standing)
                .sorted { $0.type < $1.type }
            if let refusal = try rules.refusal(of: name, names.standing(name)) {
                leftOut.append((name, refusal))
            }
        }
        self.sets = sets
        self.leftOut = leftOut
        namesOutside = names.outside
        firstOutside = names.firstOutside.sorted()
    }
}

/// The names that need a look: all others are the wildcard's.
private struct NamesOfZone {
    private let rules: ZoneRules
    private let zone: String
    /// The labels next to the zone's below which something is.
    private var tops: Set<String>
    private var locations: [String: LocationName] = [:]
    /// Names of the registry's that have others of it below them, and the names in between.
    private var above: Set<String> = []
    private(set) var outside = 0
    private(set) var firstOutside: [String] = []

    init(_ rules: ZoneRules) {
        self.rules = rules
        zone = rules.zone.text
        let suffix = zone.utf8.count + 1
        tops = Set(
            rules.base.sets.keys.filter { $0 != rules.zone.text }.map { owner in
                (ZoneName.between(owner, rules.zone.text).last ?? owner)
            }.map { String($0.utf8.dropLast(suffix)) ?? $0 })
    }

    mutating func lookAround(_ name: Substring) {
        guard let top = topOfSeveralLabels(name) else { return }
        tops.insert(String(top))
    }

    /// Of a name with more than one label below the zone.
    private func topOfSeveralLabels(_ name: Substring) -> Substring? {
        guard ZoneName.isBelow(name, zone) else { return nil }
        let relative = name.utf8.dropLast(zone.utf8.count + 1)
        guard let dot = relative.lastIndex(of: UInt8(ascii: ".")) else { return nil }
        return name[relative.index(after: dot)..<relative.endIndex]
    }

    mutating func add(_ name: Substring, at location: LocationName) {
        guard name == zone || ZoneName.isBelow(name, zone) else {
            outside += 1
            if firstOutside.count < ZonePicture.outsideShown {
                firstOutside.append(String(name))
            } else if let last = firstOutside.indices.max(by: {
                firstOutside[$0] < firstOutside[$1]
            }), name < firstOutside[last] {
                firstOutside[last] = String(name)
            }
            return
        }
        let hasSeveralLabels = topOfSeveralLabels(name) != nil
        guard location != rules.defaultLocation || hasSeveralLabels || isTop(name) else { return }
        let text = String(name)
        locations[text] = location
        if hasSeveralLabels { above.formUnion(ZoneName.between(text, zone)) }
    }

    /// Whether the wildcard doesn't reach a name next to the zone, whoever lives there.
    private func isTop(_ name: Substring) -> Bool {
        name == zone || tops.contains(String(name.dropLast(zone.utf8.count + 1)))
    }

    func standing(_ name: String) -> ZoneRules.Standing {
        .init(location: locations[name], hasNamesBelow: above.contains(name))
    }

    /// With names that come twice.
    func candidates(in part: ZonePart?) -> [(name: String, key: [UInt8])] {
        var names = [zone, "*." + zone]
        for name in [Array(locations.keys), Array(above), Array(rules.base.above)].joined() {
            names.append(name)
            if name != zone { names.append("*." + name) }
        }
        names += rules.base.sets.keys
        if let part { names.removeAll { !part.holds($0) } }
        return names.map { ($0, ZoneName.sortKey($0)) }
    }
}
