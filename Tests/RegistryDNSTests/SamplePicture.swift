import RegistryDNS
import RegistryModel
import TestRandom

/// Exceptions of a zone, and the picture that they make: at each name in the tree a record and a wildcard.
struct SamplePicture {
    static let zone = "kintone.com"
    var byDefault: DNSTargets
    /// By name.
    var exceptions: [String: DNSTargets] = [:]

    static func addresses(_ number: Int, hasIPv6: Bool = true) -> DNSTargets {
        .addresses(
            [IPv4Address("192.0.2.\(number)")!],
            hasIPv6 ? [IPv6Address("2001:db8::\(number)")!] : []
        )
    }

    static func name(_ number: Int) -> DNSTargets {
        .cname(FQDN(canonical: "edge-\(number).example.net"))
    }

    var sets: [RecordSet] {
        var sets = byDefault.recordSets(of: "*." + Self.zone, ttl: 60)
        var nodes: Set<String> = []
        for name in exceptions.keys {
            var rest = name
            while rest != Self.zone, nodes.insert(rest).inserted {
                rest = String(rest[rest.index(after: rest.firstIndex(of: ".")!)...])
            }
        }
        for node in nodes.sorted() {
            sets += (exceptions[node] ?? byDefault).recordSets(of: node, ttl: 60)
            sets += byDefault.recordSets(of: "*." + node, ttl: 60)
        }
        return sets
    }

    /// Names with up to four labels, many of which lie below one another.
    static func randomName(_ random: inout SeededRandom) -> String {
        let count = Int.random(in: 1...4, using: &random)
        let labels = (0..<count).map { _ in
            ["a", "b", "c"].randomElement(using: &random)!
        }
        return labels.joined(separator: ".") + "." + zone
    }
}

extension ZoneDifference {
    /// Of sets that are all the registry's.
    init(_ picture: [RecordSet], served: [RecordSet], _ targets: [DNSTargets]) {
        self.init(
            zone: SamplePicture.zone, picture: picture, base: [],
            served: served.map { ServedSet($0) }, targets: KnownTargets(targets),
            comparesBase: false)
    }
}

/// A server that applies changes.
struct AppliedZone {
    private(set) var sets: [String: [RecordSet]]

    init(_ sets: [RecordSet]) {
        self.sets = Dictionary(grouping: sets, by: \.name)
    }

    mutating func apply(_ change: NameChange) {
        let known = change.before.map(\.set.type)
        let coming = change.after.map(\.type)
        let deleted = Set(known + coming.filter(RecordSet.addressTypes.contains))
        var rest = (sets[change.name] ?? []).filter { !deleted.contains($0.type) }
        for new in change.after {
            guard let place = rest.firstIndex(where: { $0.type == new.type }) else {
                rest.append(new)
                continue
            }
            rest[place].data = .values(Set(rest[place].values + new.values).sorted())
            rest[place].ttl = new.ttl
        }
        sets[change.name] = rest.isEmpty ? nil : rest
    }

    var all: [RecordSet] { sets.values.flatMap(\.self) }
}
