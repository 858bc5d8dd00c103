import RegistryAPI
import RegistryClient

/// A migration as people and scripts see it: its waves on stdout, the rest in words on stderr.
enum MigrationView {
    static let columns = ["migration", "wave", "state", "size", "deadline", "revision"]

    static func show(_ received: RegistryClient.Received<MigrationResource>, _ format: OutputFormat)
    {
        guard format != .json else {
            StandardOutput.write(received.text + "\n")
            return StandardError.write(warnings(received.value))
        }
        StandardError.write(summary(received.value))
        waves(received.value).print(format)
        StandardError.write(remarks(received.value))
    }

    static func waves(_ migration: MigrationResource) -> Listing {
        var listing = Listing(columns)
        for wave in migration.waves {
            listing.add([
                Listing.Cell(migration.id), .number(Int64(wave.number)), .text(wave.state),
                .number(Int64(wave.size)), Listing.Cell(wave.deadline),
                wave.revision.map { .number($0) } ?? .absent,
            ])
        }
        return listing
    }

    /// Two lines: what it is, and how many.
    static func summary(_ migration: MigrationResource) -> String {
        let counts = migration.counts
        let planned = migration.waves.reduce(0) { $0 + $1.size }
        let left = counts.eligible - planned
        return """
            \(headline(migration)), \(migration.state), freeze \(migration.freeze)
            \(counts.selected) selected, \(counts.eligible) eligible, \(counts.skipped) skipped\
            \(left > 0 ? ", \(left) beyond the last wave" : ""); \(migration.planDigest)

            """
    }

    /// `2020-q2 (m-k3j4n5p6q7r8): japan → aws`
    static func headline(_ migration: MigrationResource) -> String {
        let id = migration.id.map { " (\($0))" } ?? ""
        return "\(Listing.printable(migration.name))\(id): \(migration.from) → \(migration.to)"
    }

    /// `1 wave`, `3 waves`.
    static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }

    private static func warnings(_ migration: MigrationResource) -> String {
        (migration.warnings ?? []).map {
            Listing.printable("warning: wave \($0.wave): \($0.detail) (\($0.code))") + "\n"
        }.joined()
    }

    private static let skippedShown = 10

    /// Warnings and skipped names; empty where there are none.
    static func remarks(_ migration: MigrationResource) -> String {
        let warnings = warnings(migration)
        let skipped = (migration.skipped ?? []).prefix(skippedShown).map {
            Listing.printable("skipped: \($0.fqdn): \($0.code)") + "\n"
        }
        let more = migration.counts.skipped - skipped.count
        guard more > 0 else { return warnings + skipped.joined() }
        let rest =
            migration.id.map {
                ": tenant-registry migrations show \($0) --domains --status skipped"
            }
            ?? ""
        return warnings + skipped.joined() + "\(more) more are skipped\(rest)\n"
    }
}
