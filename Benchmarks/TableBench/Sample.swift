import RegistryModel
import RoutingTable

let places = ["japan", "aws"].map { LocationName(canonical: $0) }
let epoch = Epoch("bench")

/// A name of 24 bytes.
func fqdn(_ number: Int, prefix: String = "t") -> FQDN {
    let digits = String(number)
    return FQDN(
        canonical: prefix + String(repeating: "0", count: 11 - digits.count) + digits
            + ".kintone.com")
}

func domain(_ number: Int, at place: Int = 0, revision: Int64 = 1) -> Domain {
    Domain(
        fqdn: fqdn(number),
        placement: Placement(location: places[place], mode: .serve, tenant: nil, fence: nil),
        revision: Revision(revision), registeredAt: Timestamp(milliseconds: 1_500_000_000_000),
        changedAt: Timestamp(milliseconds: 1_600_000_000_000 + revision))
}

let locations = places.map { name in
    Location(
        name: name,
        settings: LocationSettings(
            upstream: UpstreamURL(canonical: "http://\(name).internal:8080"), acceptsSignups: true,
            isDefaultForSignups: name == places[0]),
        revision: Revision(0))
}

/// In parts, as a store sends them.
func load(_ table: CompactRoutingTable, names: Int) {
    let load = table.beginLoad()
    load.add(locations)
    var next = 0
    while next < names {
        let end = min(names, next + 4096)
        load.add((next..<end).map { domain($0) })
        next = end
    }
    _ = load.finish(at: Position(epoch: epoch, revision: Revision(1)))
}

/// Names to look up, made in the order of their use: so the memory that they take is read in order,
/// and only the table's own is random.
enum FindSample {
    static func hits(among names: Int, count: Int = 1_000_000) -> [FQDN] {
        (0..<count).map { _ in fqdn(Int.random(in: 0..<names)) }
    }

    static func misses(among names: Int, count: Int = 1_000_000) -> [FQDN] {
        (0..<count).map { _ in fqdn(Int.random(in: 0..<names), prefix: "u") }
    }
}
