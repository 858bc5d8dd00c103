import RegistryModel

/// A column that a placement is stored in: once in `domain` and in `released_domain`, twice in `change_log`, where
/// its name says before or after. All of them are texts.
package struct PlacementColumn: Sendable {
    package let name: String
    /// What is stored, and what the digest of the log covers.
    package let text: @Sendable (Placement) -> String?
    /// Whether the log had revisions before it had the column.
    package let isLater: Bool

    fileprivate init(
        _ name: String, isLater: Bool = false, _ text: @escaping @Sendable (Placement) -> String?
    ) {
        (self.name, self.isLater, self.text) = (name, isLater, text)
    }
}

extension Placement {
    /// In the order in which they're bound, read and hashed.
    ///
    /// What a revision's digest was computed over stays so for ever: a column that comes later is hashed only where
    /// it isn't null, with its name before it (`NetstringHash.placement`, and `SQLRow.add(change:to:)` of the rows
    /// as they lie).
    package static let columns = [
        PlacementColumn("location") { $0.location.text },
        PlacementColumn("mode") { $0.mode.rawValue },
        PlacementColumn("tenant") { $0.tenant },
        PlacementColumn("fence", isLater: true) { $0.fence?.rawValue },
    ]

    /// The columns' names.
    ///
    /// - Parameter prefix: of each: a table's name, `before_` or `after_`.
    package static func names(_ prefix: String = "") -> [String] {
        columns.map { prefix + $0.name }
    }
}

extension NetstringHash {
    package mutating func placement(_ placement: Placement?) {
        for column in Placement.columns {
            let value = placement.flatMap(column.text)
            guard column.isLater else {
                text(value)
                continue
            }
            guard let value else { continue }
            text(column.name)
            text(value)
        }
    }
}

extension ChangeRow {
    /// The columns of `change_log` behind revision and position, in the order in which the digest covers them.
    package static let columns =
        ["action", "fqdn"] + Placement.names("before_") + Placement.names("after_")
        + ["registered_at", "subject", "before_detail", "after_detail"]
}

extension [String] {
    /// Names as SQL lists them.
    package var listed: String { joined(separator: ", ") }

    /// As many places for values: `$1, $2`.
    package var places: String { (1...count).map { "$\($0)" }.listed }

    package func prefixed(_ prefix: String) -> [String] { map { prefix + $0 } }
}
