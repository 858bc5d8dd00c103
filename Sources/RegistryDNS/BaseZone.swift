import RegistryModel

/// The operator's own records of a zone: its SOA and name servers, mail, challenges, whatever isn't a tenant's.
///
/// Read with ldns from an RFC 1035 master file. `$INCLUDE` is refused: what a file is made of is in the file.
public struct BaseZone: Sendable {
    /// Of a file, in bytes.
    public static let maximumBytes = 8 * 1024 * 1024

    /// Of a name in the zone, without the final dot.
    public static let maximumNameBytes = FQDN.maximumBytes

    /// RFC 1035 §3.3.13, without the serial.
    public struct Authority: Hashable, Sendable {
        /// Absolute, with the final dot.
        public var primary: String
        /// A mailbox as a name, absolute, with the final dot.
        public var contact: String
        /// In seconds: refresh, retry, expire, minimum.
        public var times: [UInt32]
        public var ttl: UInt32
        /// What the file has; the one that is published is greater.
        public var serial: UInt32
    }

    /// Why a file isn't the operator's part of a zone.
    public struct Malformed: Error, Hashable {
        /// From 1; 0: the file as a whole.
        public var line: Int
        public var explanation: String

        public init(line: Int, _ explanation: String) {
            self.line = line
            self.explanation = explanation
        }
    }

    public let authority: Authority?
    /// By owner, without the SOA.
    public let sets: [String: [RecordSet]]
    /// Names that have owners below them and lie below the zone.
    let above: Set<String>
    /// Owners where the zone ends, or is led elsewhere: NS below the apex, DNAME.
    let cuts: Set<String>
    /// What the NS records name, without the final dot.
    let nameServers: Set<String>

    /// Names between owners and the zone: each may have to be answered as a wildcard would.
    public static let maximumNamesAbove = 100_000

    /// Of the file's SOA. What is published is above it, and there are few beyond this one.
    public static let maximumSerial: UInt32 = 4_000_000_000

    /// Nothing at all: what the bare export has.
    public static let empty = BaseZone()

    private init() {
        (authority, sets, above, cuts, nameServers) = (nil, [:], [], [], [])
    }

    /// - Parameter defaultTTL: of records before any `$TTL`, in seconds.
    public init(
        masterFile bytes: [UInt8], zone: FQDN, defaultTTL: UInt32 = 3600
    ) throws(Malformed) {
        var reader = try MasterFileReader(bytes, zone: zone.text, defaultTTL: defaultTTL)
        try reader.read()
        try self.init(zone: zone.text, authority: reader.authority, sets: reader.sets)
        try checkAuthority(zone.text)
        for owner in sets.keys { try check(owner, zone.text) }
    }

    private init(
        zone: String, authority: Authority?, sets: [String: [RecordSet]]
    ) throws(Malformed) {
        self.authority = authority
        self.sets = sets
        var above: Set<String> = []
        for owner in sets.keys {
            above.formUnion(ZoneName.between(owner, zone))
            guard above.count <= Self.maximumNamesAbove else {
                throw Malformed(
                    line: 0, "its names have more than \(Self.maximumNamesAbove) names above them")
            }
        }
        self.above = above
        cuts = Set(
            sets.filter { owner, sets in
                sets.contains { $0.type == "DNAME" || ($0.type == "NS" && owner != zone) }
            }.keys)
        let targets = sets.values.joined().filter { $0.type == "NS" }.flatMap(\.values)
        nameServers = Set(targets.map { String($0.dropLast()) })
    }

    // MARK: What would end the zone at a name server's next start

    private func has(_ type: String, _ owner: String) -> Bool {
        sets[owner]?.contains { $0.type == type } ?? false
    }

    private func checkAuthority(_ zone: String) throws(Malformed) {
        guard let authority else { return }
        guard has("NS", zone) else {
            throw Malformed(line: 0, "\(zone) has an SOA, and no name servers")
        }
        guard authority.serial <= Self.maximumSerial else {
            throw Malformed(
                line: 0,
                "its serial is above \(Self.maximumSerial): too few are left for what is published"
            )
        }
    }

    private func check(_ owner: String, _ zone: String) throws(Malformed) {
        if has("DNAME", owner) {
            guard owner != zone else {
                throw Malformed(
                    line: 0, "a DNAME at \(zone) itself leaves no name below it to be a tenant's")
            }
            guard !owner.hasPrefix("*.") else {
                throw Malformed(line: 0, "a wildcard can't have a DNAME: \(owner)")
            }
        }
        if let above = ZoneName.between(owner, zone).first(where: { has("DNAME", $0) }) {
            throw Malformed(line: 0, "\(owner) lies below the DNAME of \(above)")
        }
        guard has("NS", owner) else { return }
        guard !owner.hasPrefix("*.") else {
            throw Malformed(line: 0, "a wildcard can't have name servers: \(owner)")
        }
        // One beyond the cut is found by asking for it; those at or below it, and the zone's own, are asked by what is here.
        for value in sets[owner]?.first(where: { $0.type == "NS" })?.values ?? [] {
            let server = String(value.dropLast())
            guard server == owner || ZoneName.isBelow(server, owner) else { continue }
            let isCut = cuts.contains {
                $0 != owner && ($0 == server || ZoneName.isBelow(server, $0))
            }
            guard isCut || has("A", server) || has("AAAA", server) else {
                throw Malformed(
                    line: 0, "\(owner) has the name server \(server), which has no address here")
            }
        }
    }
}

extension RecordSet {
    /// None for an alias.
    public var values: [String] {
        if case .values(let values) = data { values } else { [] }
    }
}
