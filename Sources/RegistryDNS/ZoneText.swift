import RegistryModel

/// A picture as an RFC 1035 master file.
public struct ZoneText: Sendable {
    private let rules: ZoneRules
    private let picture: ZonePicture

    /// - Throws: `aliasInFile`.
    public init(_ rules: ZoneRules, _ picture: ZonePicture) throws(ZoneError) {
        try rules.refuseAliases(in: picture)
        self.rules = rules
        self.picture = picture
    }

    /// What a serial stands for: all but comments, and but for the SOA's serial.
    public var content: [UInt8] {
        var text: [UInt8] = []
        append(Self.soa(rules, serial: 0), to: &text)
        for set in picture.sets { append(set, to: &text) }
        return text
    }

    public func file(serial: UInt32) -> [UInt8] {
        var text: [UInt8] = []
        for line in remarks { text += "; \(line)\n".utf8 }
        append(Self.soa(rules, serial: serial), to: &text)
        for set in picture.sets { append(set, to: &text) }
        return text
    }

    /// What a reader has to know, a line each.
    var remarks: [String] {
        [
            rules.base.authority == nil
                ? "The registry's part of \(rules.zone.text), without its name servers and the operator's records."
                : "The zone \(rules.zone.text): the operator's records, and the registry's."
        ] + picture.remarks(rules)
    }

    /// The operator's, or one of our own. Negative answers are kept for a name's TTL at most: a name that's new isn't
    /// denied for longer than one that moves is answered wrong.
    public static func soa(_ rules: ZoneRules, serial: UInt32) -> RecordSet {
        let zone = rules.zone.text + "."
        let authority =
            rules.base.authority
            ?? BaseZone.Authority(
                primary: zone, contact: "hostmaster." + zone,
                times: [3600, 600, 1_209_600, rules.ttl], ttl: rules.ttl, serial: 0)
        let numbers = ([serial] + authority.times).map(String.init).joined(separator: " ")
        return RecordSet(
            name: rules.zone.text, type: "SOA", ttl: authority.ttl,
            data: .values(["\(authority.primary) \(authority.contact) \(numbers)"]))
    }

    private func append(_ set: RecordSet, to text: inout [UInt8]) {
        for value in set.values {
            text += set.name.utf8
            text += ".\t".utf8
            text += String(set.ttl).utf8
            text += "\tIN\t".utf8
            text += set.type.utf8
            text.append(0x09)
            text += value.utf8
            text.append(0x0A)
        }
    }
}

extension ZonePicture {
    func remarks(_ rules: ZoneRules) -> [String] {
        var lines = leftOut.map { "left out: \($0.name): \($0.refusal)" }
        lines += firstOutside.map { "outside of the zone: \($0)" }
        if namesOutside > firstOutside.count {
            lines.append("outside of the zone: \(namesOutside) names in all")
        }
        return lines
    }
}

extension ZoneRules {
    /// - Throws: `aliasInFile`, naming the location that a record of the picture leads to.
    func refuseAliases(in picture: ZonePicture) throws(ZoneError) {
        let aliases = picture.sets.compactMap { set in
            if case .alias(let alias) = set.data { alias } else { nil }
        }
        guard let first = aliases.first else { return }
        throw .aliasInFile(location(reachedBy: first))
    }

    private func location(reachedBy alias: Route53Alias) -> LocationName {
        targets.filter { $0.value == .alias(alias) }.keys.min() ?? defaultLocation
    }
}
