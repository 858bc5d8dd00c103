/// Dynamic updates (RFC 2136) in the words of `nsupdate`, which `knsupdate` takes too.
///
/// A message is applied whole or not at all (§3.4), so each holds what belongs together. A set that leads visitors is always deleted and added
/// anew, also where the server seems not to have it: adding alone leaves what was there beside it, and where only the TTL is
/// another one, Knot DNS keeps the old one.
///
/// A CNAME that is added beside something else is passed over without a word (§3.4.2.2), when what it was to replace is gone already; and
/// a set that comes to one of the operator's is mixed with it. Where nobody knows what else a name has, as in a part, such a message
/// is refused as a whole instead, by its prerequisites (§3.2).
public enum UpdateMessages {
    /// A message has 65,535 bytes at most, its header, zone section and signature among them. So many names are what
    /// servers apply in a few milliseconds.
    public static let limit = BatchSize(names: 1000, records: .max, text: 60_000)

    /// What a name may have besides addresses, as far as operators are known to have it at names of tenants.
    static let typesBesideCNAME = [
        "TXT", "MX", "CAA", "NS", "DS", "SRV", "HTTPS", "SVCB", "SSHFP", "TLSA", "NAPTR", "LOC",
        "DNAME", "PTR", "HINFO", "RP", "URI", "SPF", "CERT", "OPENPGPKEY",
    ]

    /// - Returns: each message's lines, `send` the last of them.
    public static func messages(of difference: ZoneDifference) -> [String] {
        let zone = difference.zone
        func absent(_ change: NameChange) -> [String] {
            difference.isPart ? absentTypes(change) : []
        }
        let measure = { (change: NameChange) in
            size(of: change, zone) + sizeOfPrerequisites(change, absent(change))
        }
        return difference.batches(within: limit, size: measure).map { batch in
            var text = "zone \(zone).\n"
            for change in batch {
                for type in absent(change) { text += "prereq nxrrset \(change.name). \(type)\n" }
            }
            for change in batch { write(change, zone, to: &text) }
            return text + "send\n"
        }
    }

    /// Types of which there mustn't be anything where nobody has looked: what can't stand beside a CNAME, and what would be
    /// mixed with what comes.
    static func absentTypes(_ change: NameChange) -> [String] {
        let coming = change.after.map(\.type)
        guard !coming.contains("CNAME") else { return typesBesideCNAME }
        return coming.filter { !RecordSet.addressTypes.contains($0) }
    }

    private static func write(_ change: NameChange, _ zone: String, to text: inout String) {
        guard change.name != zone else { return writeApex(change, to: &text) }
        for type in deletedTypes(change) { text += "update delete \(change.name). \(type)\n" }
        for new in change.after {
            for value in new.values { text += add(new, value) }
        }
    }

    /// A zone's own NS set can't be deleted (§3.4.2.3), and its last record can't either: what is to stay comes first.
    private static func writeApex(_ change: NameChange, to text: inout String) {
        for type in deletedTypes(change) where type != "NS" {
            text += "update delete \(change.name). \(type)\n"
        }
        for new in change.after {
            for value in new.values { text += add(new, value) }
        }
        for old in change.before where old.set.type == "NS" {
            let kept = change.after.first { $0.type == "NS" }?.values ?? []
            for value in old.set.values where !kept.contains(value) {
                text += "update delete \(change.name). NS \(value)\n"
            }
        }
    }

    /// Those that go, then those that come and lead visitors, each once. Of other types something of somebody else's may be there.
    private static func deletedTypes(_ change: NameChange) -> [String] {
        let gone = change.before.map(\.set.type)
        return gone
            + change.after.map(\.type).filter {
                RecordSet.addressTypes.contains($0) && !gone.contains($0)
            }
    }

    private static func add(_ set: RecordSet, _ value: String) -> String {
        "update add \(set.name). \(set.ttl) \(set.type) \(value)\n"
    }

    /// Bytes at most. No name is relied on to be pointed to: `nsupdate` writes each in full, and gives up above 64 KiB.
    static func size(of change: NameChange, _ zone: String) -> BatchSize {
        let name = change.name.utf8.count + 2
        let fixed = name + 10
        let added = change.after.reduce(0) { sum, set in
            sum + set.values.reduce(0) { $0 + fixed + dataSize(set.type, $1) }
        }
        let deleted = deletedTypes(change).reduce(0) { sum, type in
            guard change.name == zone, type == "NS" else { return sum + fixed }
            let servers = change.before.first { $0.set.type == "NS" }?.set.values ?? []
            return sum + servers.reduce(0) { $0 + fixed + $1.utf8.count }
        }
        return BatchSize(names: 1, text: deleted + added)
    }

    private static func sizeOfPrerequisites(_ change: NameChange, _ types: [String]) -> BatchSize {
        BatchSize(text: types.count * (change.name.utf8.count + 12))
    }

    private static func dataSize(_ type: String, _ value: String) -> Int {
        switch type {
        case "A": 4
        case "AAAA": 16
        // No presentation is shorter than what it stands for, but for the length bytes of names and strings.
        default: value.utf8.count + 16
        }
    }
}
