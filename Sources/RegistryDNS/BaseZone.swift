import CLDNS
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

    /// Nothing at all: what the bare export has.
    public static let empty = BaseZone(zone: "", authority: nil, sets: [:])

    /// - Parameter defaultTTL: of records before any `$TTL`, in seconds.
    public init(
        masterFile bytes: [UInt8], zone: FQDN, defaultTTL: UInt32 = 3600
    ) throws(Malformed) {
        var reader = try MasterFileReader(bytes, zone: zone.text, defaultTTL: defaultTTL)
        try reader.read()
        self.init(zone: zone.text, authority: reader.authority, sets: reader.sets)
    }

    private init(zone: String, authority: Authority?, sets: [String: [RecordSet]]) {
        self.authority = authority
        self.sets = sets
        above = Set(sets.keys.flatMap { ZoneName.between($0, zone) })
        cuts = Set(
            sets.filter { owner, sets in
                sets.contains { $0.type == "DNAME" || ($0.type == "NS" && owner != zone) }
            }.keys)
        let targets = sets.values.joined().filter { $0.type == "NS" }.flatMap(\.values)
        nameServers = Set(targets.map { String($0.dropLast()).lowercased() })
    }
}

extension RecordSet {
    /// None for an alias.
    public var values: [String] {
        if case .values(let values) = data { values } else { [] }
    }
}

private struct MasterFileReader {
    private let bytes: [UInt8]
    private let zone: String
    private let defaultTTL: UInt32
    private(set) var authority: BaseZone.Authority?
    private(set) var sets: [String: [RecordSet]] = [:]

    init(_ bytes: [UInt8], zone: String, defaultTTL: UInt32) throws(BaseZone.Malformed) {
        guard bytes.count <= BaseZone.maximumBytes else {
            throw BaseZone.Malformed(
                line: 0, "it's larger than \(BaseZone.maximumBytes / 1024 / 1024) MiB")
        }
        for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
            .enumerated()
        {
            if line.contains(0) {
                throw BaseZone.Malformed(line: index + 1, "a zero byte isn't text")
            }
            // Newer releases of ldns read other files for it.
            if line.first == UInt8(ascii: "$"),
                String(decoding: line.prefix(8), as: UTF8.self).uppercased() == "$INCLUDE"
            {
                throw BaseZone.Malformed(line: index + 1, "$INCLUDE isn't followed")
            }
        }
        self.bytes = bytes
        self.zone = zone
        self.defaultTTL = defaultTTL
    }

    mutating func read() throws(BaseZone.Malformed) {
        guard !bytes.isEmpty else { return }
        var bytes = bytes
        guard let file = fmemopen(&bytes, bytes.count, "r") else {
            throw BaseZone.Malformed(line: 0, "it can't be read")
        }
        defer { fclose(file) }
        var origin = ldns_dname_new_frm_str(zone + ".")
        var previousOwner: UnsafeMutablePointer<ldns_rdf>?
        defer {
            ldns_rdf_deep_free(origin)
            ldns_rdf_deep_free(previousOwner)
        }
        var ttl = defaultTTL
        var line: Int32 = 0
        while feof(file) == 0 {
            var record: UnsafeMutablePointer<ldns_rr>?
            let status = ldns_rr_new_frm_fp_l(
                &record, file, &ttl, &origin, &previousOwner, &line)
            defer { ldns_rr_free(record) }
            switch status {
            case LDNS_STATUS_OK:
                guard let record else { continue }
                try add(record, line: Int(line))
            case LDNS_STATUS_SYNTAX_EMPTY, LDNS_STATUS_SYNTAX_TTL, LDNS_STATUS_SYNTAX_ORIGIN:
                continue
            default:
                let text = ldns_get_errorstr_by_id(status).map { String(cString: $0) }
                throw BaseZone.Malformed(line: Int(line), text ?? "it isn't a record")
            }
        }
        try finish()
    }

    private mutating func add(
        _ record: UnsafeMutablePointer<ldns_rr>, line: Int
    ) throws(BaseZone.Malformed) {
        // Owner, TTL, class, type, and the data, which may have tabs in it.
        let text = Self.take(ldns_rr2str(record)).drop { $0 == ";" }
        let fields = text.split(
            separator: "\t", maxSplits: 4, omittingEmptySubsequences: false)
        guard fields.count == 5, let ttl = UInt32(fields[1]) else {
            throw BaseZone.Malformed(line: line, "a record without data isn't a zone's")
        }
        guard fields[2] == "IN" else {
            throw BaseZone.Malformed(line: line, "only records of the class IN are a tenants' zone")
        }
        let owner = fields[0].dropLast().lowercased()
        guard owner == zone || ZoneName.isBelow(owner, zone) else {
            throw BaseZone.Malformed(line: line, "\(owner) lies outside of the zone \(zone)")
        }
        let (type, data) = (String(fields[3]), fields[4].drop { $0 == " " })
        let value = String(data.prefix { $0 != "\n" })
        guard type != "SOA" else { return try note(value, ttl: ttl, owner: owner, line: line) }
        try put(
            RecordSet(
                name: owner, type: type, ttl: ttl, data: .values([value]), isOperators: true),
            line: line)
    }

    private mutating func note(
        _ value: String, ttl: UInt32, owner: String, line: Int
    ) throws(BaseZone.Malformed) {
        let fields = value.split(separator: " ")
        let numbers = fields.dropFirst(2).compactMap { UInt32($0) }
        guard owner == zone, authority == nil, fields.count == 7, numbers.count == 5 else {
            throw BaseZone.Malformed(line: line, "there is one SOA, and it's the zone's own")
        }
        authority = BaseZone.Authority(
            primary: String(fields[0]), contact: String(fields[1]), times: Array(numbers[1...]),
            ttl: ttl, serial: numbers[0])
    }

    private mutating func put(_ set: RecordSet, line: Int) throws(BaseZone.Malformed) {
        var owned = sets[set.name] ?? []
        if let index = owned.firstIndex(where: { $0.type == set.type }) {
            // A set has one TTL, RFC 2181 §5.2: servers take the first or the lowest, or refuse.
            guard owned[index].ttl == set.ttl else {
                throw BaseZone.Malformed(
                    line: line, "the \(set.type) records of \(set.name) have more than one TTL")
            }
            let values = Set(owned[index].values).union(set.values)
            owned[index].data = .values(values.sorted())
        } else {
            owned.append(set)
        }
        let types = Set(owned.map(\.type)).subtracting(["RRSIG", "NSEC", "NSEC3"])
        guard !types.contains("CNAME") || (types.count == 1 && owned[0].values.count == 1) else {
            throw BaseZone.Malformed(
                line: line, "\(set.name) has a CNAME, so it can't have another record")
        }
        sets[set.name] = owned
    }

    private mutating func finish() throws(BaseZone.Malformed) {
        // Signatures are the server's, and wouldn't fit what is published.
        for (owner, owned) in sets {
            let kept = owned.filter {
                !["RRSIG", "NSEC", "NSEC3", "NSEC3PARAM"].contains($0.type)
            }
            sets[owner] = kept.isEmpty ? nil : kept.sorted { $0.type < $1.type }
        }
    }

    /// The text, whose memory is C's.
    private static func take(_ text: UnsafeMutablePointer<CChar>?) -> String {
        guard let text else { return "" }
        defer { free(text) }
        return String(cString: text)
    }
}
