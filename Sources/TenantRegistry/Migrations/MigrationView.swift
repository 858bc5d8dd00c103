import RegistryAPI
import RegistryClient
import RegistryModel

/// A migration as people and scripts see it: its waves on stdout, the rest in words on stderr.
enum MigrationView {
    static func show(_ received: RegistryClient.Received<Migration>, _ format: OutputFormat) {
        guard format != .json else {
            StandardOutput.write(received.text + "\n")
            return StandardError.write(warnings(received.value))
        }
        StandardError.write(summary(received.value))
        waves(received.value).print(format)
        StandardError.write(remarks(received.value))
    }

    static func waves(_ migration: Migration) -> Listing {
        let id = Cell(migration.knownID)
        return Listing(
            migration.waves,
            [ShapeField("migration") { _ in id }, ShapeField("wave") { Cell($0.number) }]
                + Wave.tableColumns)
    }

    /// Two lines: what it is, and how many.
    static func summary(_ migration: Migration) -> String {
        let counts = migration.counts
        let planned = migration.waves.reduce(0) { $0 + $1.size }
        let left = counts.eligible - planned
        return """
            \(headline(migration)), \(migration.state.rawValue), freeze \(migration.freeze.rawValue)
            \(counts.selected) selected, \(counts.eligible) eligible, \(counts.skipped) skipped\
            \(left > 0 ? ", \(left) beyond the last wave" : ""); \(migration.digestText)

            """
    }

    /// `2020-q2 (m-k3j4n5p6q7r8): japan → aws`
    static func headline(_ migration: Migration) -> String {
        let id = migration.knownID.map { " (\($0))" } ?? ""
        return "\(Listing.printable(migration.name))\(id): \(migration.from) → \(migration.to)"
    }

    /// `1 wave`, `3 waves`.
    static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }

    private static func warnings(_ migration: Migration) -> String {
        migration.warnings.map {
            Listing.printable("warning: wave \($0.wave): \($0.detail) (\($0.code))") + "\n"
        }.joined()
    }

    /// Which waves wait for somebody else's approval, and what to do; empty where none does.
    ///
    /// - Parameter only: waves that are of interest; nil: all.
    static func unapproved(_ migration: Migration, only: [Int]? = nil) -> String {
        let numbers = migration.waves.filter(\.needsApproval).map(\.number)
            .filter { only?.contains($0) ?? true }
        guard !numbers.isEmpty, let id = migration.knownID else { return "" }
        let waves =
            numbers.count == 1
            ? "wave \(numbers[0]) waits"
            : "waves \(numbers.map(String.init).joined(separator: ", ")) wait"
        return Listing.printable(
            "\(waves) for the approval of somebody else than \(migration.createdBy.name) (token \(migration.createdBy.token)): tenant-registry migrations approve \(id) --wave \(numbers[0]) --plan-digest \(migration.digestText)"
        ) + "\n"
    }

    private static let skippedShown = 10

    /// Warnings, what waits for somebody, and skipped names; empty where there are none.
    static func remarks(_ migration: Migration) -> String {
        let warnings = warnings(migration) + unapproved(migration)
        let skipped = (migration.skipped ?? []).prefix(skippedShown).map {
            Listing.printable("skipped: \($0.fqdn): \($0.code.rawValue)") + "\n"
        }
        let more = migration.counts.skipped - skipped.count
        guard more > 0 else { return warnings + skipped.joined() }
        let rest =
            migration.knownID.map {
                ": tenant-registry migrations show \($0) --domains --status skipped"
            }
            ?? ""
        return warnings + skipped.joined() + "\(more) more are skipped\(rest)\n"
    }
}

extension Migration {
    /// nil for a dry run's, which has none.
    var knownID: String? { id.isEmpty ? nil : id }
}

/// What a step of a wave did, or why it was refused, as people and scripts see it.
enum StepView {
    static func show(_ received: RegistryClient.Received<WaveStepResponse>, _ format: OutputFormat)
    {
        let step = received.value
        switch format {
        case .json, .ndjson: StandardOutput.write(received.text + "\n")
        case .table, .csv, .spreadsheet:
            Listing([step], step.tableColumns).print(format)
        }
        StandardError.write(remarks(step))
    }

    /// Domains that a rollback left alone, and agents that lag.
    static func remarks(_ step: WaveStepResponse) -> String {
        var text = ""
        if let count = step.skippedCount, count > 0 {
            text +=
                "\(MigrationView.count(count, "domain")) left alone:\n"
            text += (step.skipped ?? []).map { "  \(Listing.printable($0.text))\n" }.joined()
            let conflicts = step.conflicts ?? []
            text += conflicts.isEmpty ? "" : "for the sake of:\n"
            text += conflicts.map { "  \(Listing.printable($0.words))\n" }.joined()
        }
        if let convergence = step.convergence {
            text += "\(convergence.converged) of \(convergence.agents) agents have it"
            let lagging = convergence.lagging.map(\.text)
            text += lagging.isEmpty ? "\n" : "; behind: \(lagging.joined(separator: ", "))\n"
        }
        if let safety = step.safety {
            text +=
                "\(safety.applied) of \(safety.agents) agents have it, \(safety.fenced) are fenced"
            let unsafe = safety.unsafe.map(\.text)
            text += unsafe.isEmpty ? "\n" : "; not safe: \(unsafe.joined(separator: ", "))\n"
        }
        return text
    }

    /// Runs a step; where the wave's domains aren't as expected, or agents lag, lists those before it
    /// ends.
    static func listingConflicts<Value>(
        _ format: OutputFormat, _ call: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await call()
        } catch ClientError.refused(let refusal) {
            if let lagging = refusal.problem?.lagging, !lagging.isEmpty {
                StandardError.write("behind: \(lagging.map(\.text).joined(separator: ", "))\n")
            }
            if let found = refusal.problem?.conflicts, !found.isEmpty {
                Listing(found, WaveConflict.tableColumns).print(format)
                let more = (refusal.problem?.conflictCount ?? 0) - found.count
                if more > 0 { StandardError.write("and \(more) more\n") }
            }
            throw ClientError.refused(refusal)
        }
    }
}
