import RegistryLedger
import RegistryModel

// How a placement is read where it lies, in a domain's row or in a line of the log.

extension SQLRow {
    /// `Placement.columns`, side by side from a column on.
    package func placement(from column: Int) throws -> Placement {
        Placement(
            location: try location(column), mode: try word(column + 1),
            tenant: try textIfPresent(column + 2))
    }

    package func placementIfPresent(from column: Int) throws -> Placement? {
        isNull(column) ? nil : try placement(from: column)
    }

    /// `ChangeRow.columns`, side by side from a column on.
    package func change(from column: Int) throws -> ChangeRow {
        let rest = column + ChangeRow.registeredAt
        return try ChangeRow(
            action: text(column), fqdn: textIfPresent(column + ChangeRow.fqdn),
            before: placementIfPresent(from: column + ChangeRow.before),
            after: placementIfPresent(from: column + ChangeRow.after),
            registeredAt: timeIfPresent(rest), subject: textIfPresent(rest + 1),
            beforeDetail: textIfPresent(rest + 2), afterDetail: textIfPresent(rest + 3))
    }

    /// The same as they lie, into the digest of their revision: what `RevisionDigest` adds of a value.
    package func add(change column: Int, to hash: inout NetstringHash) {
        add(fields: column..<column + ChangeRow.columns.count, to: &hash)
    }
}

extension ChangeRow {
    // Where some of `columns` stand among them.
    package static let fqdn = 1
    package static let before = 2
    package static let after = before + Placement.columns.count
    package static let registeredAt = after + Placement.columns.count
}

/// Reads placements that are nearly all at one location: its text is kept once.
struct PlacementReader {
    private var last: LocationName?

    mutating func placement(_ row: SQLRow, from column: Int) throws -> Placement {
        var placement = try row.placement(from: column)
        if let last, last == placement.location {
            placement.location = last
        } else {
            last = placement.location
        }
        return placement
    }
}
