import RegistryAPI
import RegistryClient

/// What a step of a wave did, or why it was refused, as people and scripts see it.
enum StepView {
    /// - Parameter count: what the domains are now: frozen, moved, rolled_back, thawed.
    static func show(
        _ received: RegistryClient.Received<WaveStepResource>, count: String, _ format: OutputFormat
    ) {
        let step = received.value
        switch format {
        case .json, .ndjson: StandardOutput.write(received.text + "\n")
        case .table, .csv, .spreadsheet:
            var listing = Listing([
                "migration", "wave", "revision", count, "took_ms", "deadline", "epoch",
            ])
            listing.add([
                .text(step.migration), .number(Int64(step.wave)), .number(step.revision),
                .number(Int64(step.count)), .number(Int64(step.tookMilliseconds)),
                Listing.Cell(step.deadline), Listing.Cell(step.epoch),
            ])
            listing.print(format)
        }
        StandardError.write(remarks(step))
    }

    /// Domains that a rollback left alone, and agents that lag.
    static func remarks(_ step: WaveStepResource) -> String {
        var text = ""
        if let count = step.skippedCount, count > 0 {
            text +=
                "\(MigrationView.count(count, "domain")) changed since the cutover, left alone:\n"
            text += (step.skipped ?? []).map { "  \(Listing.printable($0.fqdn))\n" }.joined()
        }
        if let convergence = step.convergence {
            text += "\(convergence.converged) of \(convergence.agents) agents have it"
            let lagging = convergence.lagging
            text += lagging.isEmpty ? "\n" : "; behind: \(lagging.joined(separator: ", "))\n"
        }
        return text
    }

    static func conflicts(_ conflicts: [WaveConflictResource]) -> Listing {
        var listing = Listing([
            "fqdn", "expected_location", "expected_mode", "found_location", "found_mode",
        ])
        for conflict in conflicts {
            listing.add([
                .text(conflict.fqdn), .text(conflict.expected.location),
                .text(conflict.expected.mode), Listing.Cell(conflict.found?.location),
                Listing.Cell(conflict.found?.mode),
            ])
        }
        return listing
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
                StandardError.write("behind: \(lagging.joined(separator: ", "))\n")
            }
            if let found = refusal.problem?.conflicts {
                conflicts(found).print(format)
                let more = (refusal.problem?.conflictCount ?? 0) - found.count
                if more > 0 { StandardError.write("and \(more) more\n") }
            }
            throw ClientError.refused(refusal)
        }
    }
}
