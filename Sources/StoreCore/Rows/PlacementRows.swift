import RegistryLedger
import RegistryModel

// How a placement is read where it lies, in a domain's row or in a line of the log.

extension SQLRow {
    /// `Placement.columns`, side by side from a column on.
    package func placement(from column: Int) throws -> Placement {
        Placement(
            location: try location(column), mode: try word(column + 1),
            tenant: try textIfPresent(column + 2), fence: try wordIfPresent(column + 3))
    }

    /// The same as they lie, into the digest of their revision: what `RevisionDigest` adds of a value.
    package func add(change column: Int, to hash: inout NetstringHash) {
        add(fields: column..<column + ChangeRow.before, to: &hash)
        add(placement: column + ChangeRow.before, to: &hash)
        add(placement: column + ChangeRow.after, to: &hash)
        add(
            fields: column + ChangeRow.registeredAt..<column + ChangeRow.columns.count, to: &hash)
    }

    /// As `NetstringHash.placement` does.
    private func add(placement column: Int, to hash: inout NetstringHash) {
        for (place, each) in Placement.columns.enumerated() {
            if each.isLater {
                guard !isNull(column + place) else { continue }
                hash.text(each.name)
            }
            add(column + place, to: &hash)
        }
    }
}

extension ChangeRow {
    // Where some of `columns` stand among them.
    package static let fqdn = 1
    package static let before = 2
    package static let after = before + Placement.columns.count
    package static let registeredAt = after + Placement.columns.count
}

/// Reads lines of the log one after the other.
struct ChangeReader {
    private var before = PlacementReader()
    private var after = PlacementReader()

    /// `ChangeRow.columns`, side by side from a column on.
    mutating func change(_ row: SQLRow, from column: Int) throws -> ChangeRow {
        let rest = column + ChangeRow.registeredAt
        return try ChangeRow(
            action: row.text(column), fqdn: row.textIfPresent(column + ChangeRow.fqdn),
            before: before.placementIfPresent(row, from: column + ChangeRow.before),
            after: after.placementIfPresent(row, from: column + ChangeRow.after),
            registeredAt: row.timeIfPresent(rest), subject: row.textIfPresent(rest + 1),
            beforeDetail: row.textIfPresent(rest + 2), afterDetail: row.textIfPresent(rest + 3))
    }
}

/// Reads placements one after the other. Nearly all have the location and the mode of the one before, whose values are
/// taken then: there's one text for all of them, and it isn't read again.
struct PlacementReader {
    private var last: Placement?

    mutating func placement(_ row: SQLRow, from column: Int) throws -> Placement {
        if let last, row.holds(last.location.text, column),
            row.holds(last.mode.rawValue, column + 1)
        {
            return Placement(
                location: last.location, mode: last.mode, tenant: try row.textIfPresent(column + 2),
                fence: try row.wordIfPresent(column + 3))
        }
        let placement = try row.placement(from: column)
        last = placement
        return placement
    }

    mutating func placementIfPresent(_ row: SQLRow, from column: Int) throws -> Placement? {
        row.isNull(column) ? nil : try placement(row, from: column)
    }
}
