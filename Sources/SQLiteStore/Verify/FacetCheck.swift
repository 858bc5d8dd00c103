import Foundation
import GRDB
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
        var octets: [UInt8] = []
        var facet = ""
    }

    /// Columns of `ChainCheck.rows`.
    private static let columns: [(column: Int32, kind: String)] = [
        (2, "action:"), (4, "location:"), (7, "location:"),
    ]

    init(isOn: Bool) {
        self.isOn = isOn
    }

    mutating func note(_ row: RowScan) {
        guard isOn else { return }
        for (index, (column, kind)) in Self.columns.enumerated() {
            guard case .text(let octets) = row.value(column) else { continue }
            if !last[index].octets.elementsEqual(octets) {
                last[index].octets = Array(octets)
                last[index].facet = kind + String(decoding: octets, as: UTF8.self)
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
    mutating func compare(_ db: Database) throws -> Verification.Flaw? {
        guard let bounds else { return nil }
        defer {
            expected.removeAll(keepingCapacity: true)
            self.bounds = nil
        }
        var flaws: [Verification.Flaw] = []
        for facet in try Self.all(db).union(expected.keys) {
            let wanted = expected[facet] ?? []
            let rows = try RowScan(
                db,
                """
                SELECT revision FROM revision_facet
                WHERE facet = ? AND revision BETWEEN ? AND ? ORDER BY revision
                """, [facet, bounds.lowerBound, bounds.upperBound])
            var place = 0
            while try rows.step(), place < wanted.count, rows.integer(0) == wanted[place] {
                place += 1
            }
            if let flaw = try Self.difference(
                db, facet, bounds, wanted: place < wanted.count ? wanted[place] : nil, after: place)
            {
                flaws.append(flaw)
            }
        }
        return flaws.min { ($0.revision ?? .zero) < ($1.revision ?? .zero) }
    }

    /// - Parameters:
    ///   - wanted: the first revision that didn't follow.
    ///   - place: how many fitted before it.
    private static func difference(
        _ db: Database, _ facet: String, _ bounds: ClosedRange<Int64>, wanted: Int64?,
        after place: Int
    ) throws -> Verification.Flaw? {
        let found = try Int64.fetchOne(
            db,
            sql: """
                SELECT revision FROM revision_facet
                WHERE facet = ? AND revision BETWEEN ? AND ? ORDER BY revision LIMIT 1 OFFSET ?
                """, arguments: [facet, bounds.lowerBound, bounds.upperBound, place])
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

    /// From one facet to the next in the index.
    static func all(_ db: Database) throws -> Set<String> {
        let next = try db.cachedStatement(
            sql: "SELECT facet FROM revision_facet WHERE facet > ? ORDER BY facet LIMIT 1")
        var found: Set<String> = []
        var last = ""
        while let facet = try String.fetchOne(next, arguments: [last]) {
            found.insert(facet)
            last = facet
        }
        return found
    }
}

extension FacetCheck {
    /// The last revision of any facet.
    static func last(_ db: Database) throws -> Int64? {
        let last = try db.cachedStatement(
            sql: "SELECT max(revision) FROM revision_facet WHERE facet = ?")
        return try all(db).compactMap { try Int64.fetchOne(last, arguments: [$0]) }.max()
    }
}
