import RegistryLedger
import RegistryModel

/// Compares `revision_facet` with the changes that a walk along the log sees: a row too few there would
/// hide a revision from filtered pages.
struct FacetCheck: Sendable {
    let isOn: Bool
    /// The revisions of each facet, since the last comparison.
    private var expected: [String: [Int64]] = [:]
    private var bounds: ClosedRange<Int64>?
    /// Of the revision at hand.
    private var facets: Set<String> = []
    private var last = [Last](repeating: Last(), count: 3)

    /// The value that a column had in the row before: most rows of a revision are alike.
    private struct Last: Sendable {
        var bytes: [UInt8] = []
        var facet = ""
    }

    /// Of `LogScan.changes`.
    private static let columns: [(column: Int, kind: String)] = [
        (2, "action:"), (2 + ChangeRow.before, "location:"), (2 + ChangeRow.after, "location:"),
    ]

    init(isOn: Bool) {
        self.isOn = isOn
    }

    mutating func note(_ row: SQLRow) {
        guard isOn else { return }
        for (index, (column, kind)) in Self.columns.enumerated() {
            guard let bytes = row.storedBytes(column) else { continue }
            if !last[index].bytes.elementsEqual(bytes) {
                last[index].bytes = Array(bytes)
                last[index].facet = kind + String(decoding: bytes, as: UTF8.self)
            } else if facets.contains(last[index].facet) {
                continue
            }
            facets.insert(last[index].facet)
        }
    }

    /// The revision at hand is whole.
    mutating func close(_ revision: Int64) {
        guard isOn else { return }
        for facet in facets { expected[facet, default: []].append(revision) }
        facets.removeAll(keepingCapacity: true)
        bounds = (bounds?.lowerBound ?? revision)...revision
    }

    /// Compares what was noted since the last time.
    mutating func compare(_ log: LogScan<some SQLSession>) throws -> Verification.Flaw? {
        guard let bounds else { return nil }
        defer {
            expected.removeAll(keepingCapacity: true)
            self.bounds = nil
        }
        var flaws: [Verification.Flaw] = []
        for facet in try log.facets().union(expected.keys) {
            let wanted = expected[facet] ?? []
            let rows = try log.revisions(of: facet, in: bounds)
            var place = 0
            var found = try Self.next(rows)
            while let revision = found, place < wanted.count, revision == wanted[place] {
                place += 1
                found = try Self.next(rows)
            }
            let flaw = Self.difference(
                facet, wanted: place < wanted.count ? wanted[place] : nil, found: found)
            if let flaw { flaws.append(flaw) }
        }
        return flaws.min { ($0.revision ?? .zero) < ($1.revision ?? .zero) }
    }

    private static func next(_ rows: some ScannedRows) throws -> Int64? {
        try rows.step() ? try rows.row.number(0) : nil
    }

    /// - Parameters:
    ///   - wanted: the first revision that should have come.
    ///   - found: the one that came.
    private static func difference(
        _ facet: String, wanted: Int64?, found: Int64?
    ) -> Verification.Flaw? {
        switch (wanted, found) {
        case (nil, nil): return nil
        case (let wanted?, let found) where found.map({ wanted < $0 }) ?? true:
            return .init(
                Revision(wanted), "revision_facet lacks revision \(wanted) under \(facet)")
        case (_, let found?):
            return .init(
                Revision(found),
                "revision_facet has revision \(found) under \(facet), which it isn't")
        case (.some, nil): return nil
        }
    }
}

/// Compares the table of locations with the log. Locations are few: they are looked at in one go.
package struct LocationCheck {
    /// The locations that the schema comes with: they have no line in the log until they change.
    private let seeds: [Location]

    /// One line of the log.
    package struct Line {
        var name: String
        var revision: Revision
        /// JSON; nil where the location was taken away.
        var after: String?

        package init(name: String, revision: Revision, after: String?) {
            self.name = name
            self.revision = revision
            self.after = after
        }
    }

    package init(seeds: [Location]) {
        self.seeds = seeds
    }

    /// - Parameter log: changes of locations, oldest first.
    package func flaws(
        log: [Line], table: [Location]
    ) throws -> [Verification.Flaw] {
        var expected = Dictionary(uniqueKeysWithValues: seeds.map { ($0.name.text, $0) })
        var last: [String: Revision] = [:]
        for line in log {
            let settings: LocationSettings? = try ChangeRow.value(line.after)
            last[line.name] = line.revision
            expected[line.name] = settings.map {
                Location(
                    name: LocationName(canonical: line.name), settings: $0, revision: line.revision)
            }
        }
        let found = Dictionary(uniqueKeysWithValues: table.map { ($0.name.text, $0) })
        return Set(found.keys).union(expected.keys).sorted().compactMap { name in
            flaw(name, table: found[name], log: expected[name], last[name] ?? .zero)
        }
    }

    private func flaw(
        _ name: String, table: Location?, log: Location?, _ revision: Revision
    ) -> Verification.Flaw? {
        guard table != log else { return nil }
        let what =
            switch (table, log) {
            case (nil, _): "the location \(name) is in the log and not in its table"
            case (_, nil): "the location \(name) is in its table, and by the log it shouldn't be"
            default: "the location \(name) isn't what the log says"
            }
        return .init(revision, what)
    }
}
