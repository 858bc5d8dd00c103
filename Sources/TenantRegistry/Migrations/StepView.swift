import RegistryAPI
import RegistryClient
import RegistryModel

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
                "\(MigrationView.count(count, "domain")) changed since the cutover, left alone:\n"
            text += (step.skipped ?? []).map { "  \(Listing.printable($0.text))\n" }.joined()
        }
        if let convergence = step.convergence {
            text += "\(convergence.converged) of \(convergence.agents) agents have it"
            let lagging = convergence.lagging.map(\.text)
            text += lagging.isEmpty ? "\n" : "; behind: \(lagging.joined(separator: ", "))\n"
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
