import ArgumentParser
import RegistryClient

extension Migrations {
    struct Cutover: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Move a wave's domains: all of them in one revision, or none.")
        @OptionGroup var wave: WaveOptions
        @OptionGroup var plan: PlanOptions
        @OptionGroup var convergence: ConvergenceOptions
        @Flag(help: "Move nothing unless every agent has applied the freeze.")
        var requireConverged = false
        @OptionGroup var confirmation: ConfirmationOptions
        @OptionGroup var why: NoteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            try await client.withClient { registry in
                let step = try await WaveStepCommand(registry, wave)
                try plan.check(step.migration)
                try confirmation.confirm(
                    "cut over wave \(wave.wave), \(MigrationView.count(step.wave.size, "domain"))",
                    step.migration,
                    domains: step.wave.size)
                let call = step.call(
                    "cutover", why, waitSeconds: convergence.seconds, override: plan.override)
                let moved = try await StepView.listingConflicts(output.output) {
                    try await Retry.calling {
                        try await registry.cutOver(
                            step.reference(wave), requireConverged: requireConverged, call: call)
                    }
                }
                StepView.show(moved, output.output)
            }
        }
    }
}
