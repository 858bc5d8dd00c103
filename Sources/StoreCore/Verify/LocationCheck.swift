import RegistryLedger
import RegistryModel

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
