import RegistryModel

/// What each name of a zone has for records: the operator's, and what the registry makes of its own.
///
/// The baseline is the operator's zone with one wildcard, for the default location. Against it
/// - a name that the registry knows has records of its own wherever the wildcard doesn't give them: it lives elsewhere, or something
///   lies at, above or below it that takes the wildcard from it (RFC 4592 §2.2.2, §3.3.1);
/// - below each name that has such records, and at each empty name between owners, stands what the wildcard would have answered, which
///   is the operator's where one is nearer;
/// - where the operator's records hold a name, or would contradict what is to be said, the name is left out, with a reason; where that is
///   but a CNAME beside something else, it has the wildcard's addresses, which lead whoever comes to a proxy at least.
public struct ZoneRules: Sendable {
    public let zone: FQDN
    /// Where the wildcard leads.
    public let defaultLocation: LocationName
    public let ttl: UInt32
    public let base: BaseZone
    let targets: [LocationName: DNSTargets]
    private let wildcard: DNSTargets

    /// The longest name that may be published, and that a wildcard below one may have, in bytes.
    private let maximumBytes: Int

    /// - Parameters:
    ///   - targets: how locations are reached, as far as it has been said.
    ///   - maximumBytes: of a name.
    public init(
        zone: FQDN, defaultLocation: LocationName, ttl: UInt32, targets: [LocationName: DNSTargets],
        base: BaseZone = .empty, maximumBytes: Int = FQDN.maximumBytes
    ) throws(ZoneError) {
        guard let wildcard = targets[defaultLocation] else {
            throw .targetMissing(defaultLocation)
        }
        self.zone = zone
        self.defaultLocation = defaultLocation
        self.ttl = ttl
        self.targets = targets
        self.base = base
        self.wildcard = wildcard
        self.maximumBytes = maximumBytes
        let wildcardName = "*." + zone.text
        let owned = base.sets[wildcardName] ?? []
        guard !owned.contains(where: { RecordSet.addressTypes.contains($0.type) }) else {
            throw .wildcardHeld(wildcardName)
        }
        if case .cname = wildcard, !owned.isEmpty {
            throw .wildcardBesideCNAME(wildcardName, defaultLocation)
        }
        for (location, target) in targets {
            guard case .cname(let name) = target, name == zone || name.isWithin(zone) else {
                continue
            }
            // Its name would be the wildcard's, and so point to itself.
            let isBase = base.sets[name.text] != nil || cut(above: name.text) != nil
            guard base.authority == nil || isBase else {
                throw .targetInZone(location, name)
            }
        }
    }

    /// What a registered name's neighbours are.
    public struct Standing: Sendable {
        /// Where the registry has the name; nil: it doesn't know it.
        public var location: LocationName?
        /// Whether the registry knows a name below it.
        public var hasNamesBelow: Bool

        public init(location: LocationName?, hasNamesBelow: Bool) {
            self.location = location
            self.hasNamesBelow = hasNamesBelow
        }
    }

    /// The records of a name, the operator's first.
    ///
    /// - Parameters:
    ///   - name: at or below the zone, lower case, without a final dot; its first label may be `*`.
    ///   - standing: of any name.
    public func records(
        of name: String, _ standing: (String) throws -> Standing
    ) throws -> [RecordSet] {
        let owned = base.sets[name] ?? []
        guard cut(above: name) == nil else { return owned }
        if name.utf8.starts(with: "*.".utf8), let parent = ZoneName.parent(name) {
            return try owned + recordsOfWildcard(name, below: parent, owned, standing(parent))
        }
        let known = try standing(name)
        if known.location != nil {
            switch try refusal(of: name, known) {
            case nil: return owned + recordsOfTenant(name, known, owned)
            case .besideCNAME: return owned + recordsBesideCNAME(name, owned)
            default: return owned
            }
        }
        return owned + (isFilled(name, known) ? wildcardRecords(for: name, above: name) : [])
    }

    /// Whether a name is in the zone though it has no records, so that no wildcard above answers for it.
    public func isEmptyName(_ name: String, _ standing: Standing) -> Bool {
        standing.hasNamesBelow || base.above.contains(name)
    }

    /// Why a name that the registry knows isn't published; nil: it is, or the wildcard says the same.
    ///
    /// - Throws: `targetMissing`: nobody has said how its location is reached.
    public func refusal(of name: String, _ standing: Standing) throws(ZoneError) -> Refusal? {
        guard let location = standing.location else { return nil }
        if let cut = cut(above: name) { return .belowCut(cut) }
        guard let target = targets[location] else { throw .targetMissing(location) }
        guard name.utf8.count + (name == zone.text ? 0 : 2) <= maximumBytes else {
            return .tooLong(maximumBytes)
        }
        if base.nameServers.contains(name) { return .nameServer }
        let types = Set((base.sets[name] ?? []).map(\.type))
        if let held = types.intersection(RecordSet.addressTypes).min() { return .held(held) }
        guard case .cname(let pointed) = target else { return nil }
        if name == zone.text { return .apexCNAME }
        if pointed.text == name { return .pointsToItself }
        let others = base.sets[name] == nil ? Set(inherited(by: name).map(\.type)) : types
        return others.min().map { .besideCNAME($0) }
    }

    private func recordsOfTenant(
        _ name: String, _ standing: Standing, _ owned: [RecordSet]
    ) -> [RecordSet] {
        guard let location = standing.location, let target = targets[location] else { return [] }
        let addresses = target.recordSets(of: name, ttl: ttl)
        return owned.isEmpty ? addresses + inherited(by: name) : addresses
    }

    /// What stands for a CNAME where there can be none: whoever comes to what the wildcard says is led on from there.
    private func recordsBesideCNAME(_ name: String, _ owned: [RecordSet]) -> [RecordSet] {
        let instead = wildcardRecords(for: name, above: name)
        guard !instead.contains(where: { $0.type == "CNAME" }) else { return [] }
        return owned.isEmpty
            ? instead : instead.filter { RecordSet.addressTypes.contains($0.type) }
    }

    private func recordsOfWildcard(
        _ name: String, below parent: String, _ owned: [RecordSet], _ standing: Standing
    ) throws -> [RecordSet] {
        if parent == zone.text { return wildcard.recordSets(of: name, ttl: ttl) }
        guard cut(above: parent) == nil, owned.isEmpty else { return [] }
        guard try hasTenant(parent, standing) || isFilled(parent, standing) else { return [] }
        return wildcardRecords(for: name, above: parent)
    }

    /// Whether there are records of a name because the registry knows it.
    private func hasTenant(_ name: String, _ standing: Standing) throws -> Bool {
        guard standing.location != nil else { return false }
        return switch try refusal(of: name, standing) {
        case nil: true
        case .besideCNAME: !recordsBesideCNAME(name, base.sets[name] ?? []).isEmpty
        default: false
        }
    }

    /// Whether an empty name is answered as a wildcard would: one that a host can have, with nothing of its own.
    private func isFilled(_ name: String, _ standing: Standing) -> Bool {
        name != zone.text && base.sets[name] == nil && isEmptyName(name, standing)
            && ZoneName.mayBeHost(name) && name.utf8.count + 2 <= maximumBytes
            && name.utf8.first != UInt8(ascii: "*")
    }

    /// What a name has of the wildcard above it besides addresses, which are its location's.
    private func inherited(by name: String) -> [RecordSet] {
        guard name != zone.text else { return [] }
        return wildcardRecords(for: name, above: name).filter {
            !RecordSet.addressTypes.contains($0.type)
        }
    }

    /// What the wildcard that would answer for a name of the operator's zone has, as records of another name.
    ///
    /// - Returns: none where a name of the operator's stands between it and every wildcard.
    private func wildcardRecords(for name: String, above below: String) -> [RecordSet] {
        var rest = below
        while let parent = ZoneName.parent(rest), parent != zone.text {
            if let owned = base.sets["*." + parent] { return owned.map { $0.renamed(name) } }
            let isNamed = base.sets[parent] != nil
            guard !isNamed, !base.above.contains(parent) || ZoneName.mayBeHost(parent) else {
                return []
            }
            rest = parent
        }
        let others = base.sets["*." + zone.text] ?? []
        return wildcard.recordSets(of: name, ttl: ttl) + others.map { $0.renamed(name) }
    }

    /// The nearest place at or above a name where the operator's records end the zone, or lead it elsewhere.
    func cut(above name: String) -> String? {
        guard !base.cuts.isEmpty else { return nil }
        if base.cuts.contains(name) { return name }
        return ZoneName.between(name, zone.text).first { base.cuts.contains($0) }
    }
}

extension RecordSet {
    func renamed(_ name: String) -> RecordSet {
        var copy = self
        copy.name = name
        copy.isOperators = false
        return copy
    }
}

extension ZoneRules {
    /// Why a name that the registry knows isn't in the zone's picture.
    public enum Refusal: Hashable, Sendable, CustomStringConvertible {
        case held(String)
        case besideCNAME(String)
        case nameServer
        case apexCNAME
        case pointsToItself
        case belowCut(String)
        case tooLong(Int)

        public var description: String {
            switch self {
            case .held(let type): "the operator's own \(type) record holds the name"
            case .besideCNAME(let type):
                "its location is reached by a CNAME, which can't stand beside the operator's \(type) record"
            case .nameServer: "it's the name of a name server of the zone"
            case .apexCNAME:
                "its location is reached by a CNAME, which can't stand at the zone's own name"
            case .pointsToItself: "its location is reached by a CNAME to this very name"
            case .belowCut(let name): "the operator's records end the zone at \(name)"
            case .tooLong(let bytes):
                "a wildcard below it would be longer than \(bytes) bytes"
            }
        }
    }
}

/// Why there is no picture of a zone at all.
public enum ZoneError: Error, Hashable, CustomStringConvertible {
    case targetMissing(LocationName)
    case wildcardHeld(String)
    case wildcardBesideCNAME(String, LocationName)
    case targetInZone(LocationName, FQDN)
    case aliasInFile(LocationName)
    case aliasLive(String)
    case typeUnknown(String, String)

    public var description: String {
        switch self {
        case .targetMissing(let location):
            "nobody has said how the DNS leads to \(location): its dns isn't set"
        case .wildcardHeld(let name):
            "the operator's records hold addresses of \(name), which the registry's default location has"
        case .wildcardBesideCNAME(let name, let location):
            "\(location) is reached by a CNAME, which can't stand beside the operator's records of \(name)"
        case .targetInZone(let location, let name):
            "\(location) is reached by a CNAME to \(name), which the operator's records of the zone don't have"
        case .aliasInFile(let location):
            "\(location) is reached by an alias of Route 53, which can't stand in this form: only records and diff --route53 have it"
        case .aliasLive(let name):
            "\(name) is reached by an alias of Route 53, which no other server can answer"
        case .typeUnknown(let name, let type):
            "octoDNS' form has no word for the operator's \(type) record of \(name)"
        }
    }
}
