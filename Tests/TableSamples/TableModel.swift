import RegistryModel
import RoutingTable
import TestRandom

/// A plain dictionary that does what a table should, and random revisions for both.
package struct TableModel {
    package var domains: [FQDN: Domain] = [:]
    package var places = [japan, aws]
    package var revision: Int64 = 0
    private var random: SeededRandom
    /// How many different names there are.
    private let names: Int

    package init(seed: UInt64, names: Int) {
        random = SeededRandom(seed: seed)
        self.names = names
    }

    /// Lengths from 10 bytes to the longest.
    package func name(_ number: Int) -> FQDN {
        let filling = String(repeating: "x", count: number.isMultiple(of: 17) ? 63 : number % 40)
        let label = "t\(number)\(filling)".prefix(63)
        let parents = number.isMultiple(of: 51) ? String(repeating: "p123456789.", count: 16) : ""
        return FQDN(canonical: "\(label).\(parents)example.jp")
    }

    /// The next revision, of at most `size` changes; a name may come more than once.
    package mutating func next(size: Int) -> RevisionChanges {
        revision += 1
        var changes = RevisionChanges(revision: Revision(revision))
        if revision.isMultiple(of: 100), places.count < 12 {
            let place = LocationName(canonical: "a-place-with-a-long-name-\(revision)")
            places.append(place)
            changes.locations.append(.set(location(place)))
        }
        for _ in 0..<Int.random(in: 0...size, using: &random) {
            let fqdn = name(Int.random(in: 0..<names, using: &random))
            if Int.random(in: 0..<3, using: &random) == 0 {
                changes.domains.append(.gone(fqdn))
                domains[fqdn] = nil
            } else {
                let domain = domain(fqdn)
                changes.domains.append(.set(domain))
                domains[fqdn] = domain
            }
        }
        return changes
    }

    private mutating func domain(_ fqdn: FQDN) -> Domain {
        let former = domains[fqdn]
        return Domain(
            fqdn: fqdn,
            placement: Placement(
                location: places.randomElement(using: &random) ?? japan,
                mode: Mode.allCases.randomElement(using: &random) ?? .serve,
                tenant: tenant(former: former?.tenant), fence: nil),
            revision: Revision(revision),
            registeredAt: former?.registeredAt ?? Timestamp(milliseconds: -revision * 1_000_003),
            changedAt: Timestamp(milliseconds: 1_600_000_000_000 + revision))
    }

    private mutating func tenant(former: String?) -> String? {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: nil
        case 1: ""
        case 2: "acme"
        case 3: "a tenant of more than fifteen bytes"
        case 4: String(repeating: "株式会社", count: Int.random(in: 1...50, using: &random))
        case 5: String(repeating: "👩‍👩‍👧‍👦", count: 28)
        default: former
        }
    }

    /// Compares every name, the counts, and the revision that each was read at.
    package func expect(_ table: some RoutingTable) throws {
        let all = (0..<names).map { name($0) }
        let read = try table.find(all)
        for (name, found) in zip(all, read.value) {
            try expect(found == domains[name], "\(name) is \(String(describing: found))")
        }
        try expect(read.revision == Revision(revision), "read at \(read.revision)")
        let statistics = try table.statistics()
        try expect(statistics.revision == Revision(revision), "counted at \(statistics.revision)")
        var counts = Dictionary(
            uniqueKeysWithValues: places.map {
                ($0, TableStatistics.OfLocation(name: $0, domains: 0, notServed: 0))
            })
        for domain in domains.values {
            counts[domain.location]?.domains += 1
            if domain.mode != .serve { counts[domain.location]?.notServed += 1 }
        }
        let counted = TableStatistics(
            total: domains.count, locations: counts.values.sorted { $0.name < $1.name })
        try expect(statistics.value == counted, "counts are \(statistics.value), not \(counted)")
        let summary = try table.summary().value
        var digest = TableDigest()
        for domain in domains.values { digest.add(domain) }
        for place in summary.locations { digest.add(place.name, upstream: place.upstream) }
        try expect(
            summary.digest == digest && summary.count == domains.count, "it has another digest")
        try expect(
            summary.locations.map(\.name) == places.sorted(), "locations are \(summary.locations)")
        if let first = domains.values.first {
            let target = try table.route(first.fqdn).value
            let isSame =
                target
                == RouteTarget(
                    location: first.location, mode: first.mode, revision: first.revision,
                    upstream: UpstreamURL("http://\(first.location).internal"))
            try expect(isSame, "\(first.fqdn) goes to \(String(describing: target))")
        }
    }

    private func expect(_ isSo: Bool, _ what: @autoclosure () -> String) throws {
        guard !isSo else { return }
        throw Mismatch(description: "at revision \(revision): \(what())")
    }

    /// What a table says and the model doesn't.
    struct Mismatch: Error, CustomStringConvertible {
        let description: String
    }
}
