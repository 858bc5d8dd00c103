import ArgumentParser
import RegistryClient

extension Migrations {
    struct Freeze: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stop writes to a wave's domains while their data is copied.",
            discussion: "Past the deadline the wave thaws by itself; it never moves by itself.")
        @OptionGroup var wave: WaveOptions
        @Option(help: "After how long it thaws by itself: 15m, 60s, 2h; a week at most.")
        var deadline: TimeSpan
        @OptionGroup var plan: PlanOptions
        @OptionGroup var convergence: ConvergenceOptions
        @OptionGroup var confirmation: ConfirmationOptions
        @OptionGroup var why: NoteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        static let deadlines = 1...604_800

        func validate() throws {
            guard Self.deadlines.contains(deadline.seconds) else {
                throw ValidationError("--deadline: 1 second to a week is possible.")
            }
        }

        func run() async throws {
            try await client.withClient { registry in
                let step = try await WaveStepCommand(registry, wave)
                try plan.check(step.migration)
                try confirmation.confirm(
                    "freeze wave \(wave.wave), \(MigrationView.count(step.wave.size, "domain")), for \(deadline) at most",
                    step.migration, domains: step.wave.size)
                let call = step.call(
                    "freeze", why, waitSeconds: convergence.seconds, override: plan.override)
                let frozen = try await StepView.listingConflicts(output.output) {
                    try await Retry.calling {
                        try await registry.freeze(
                            step.reference(wave), deadlineSeconds: deadline.seconds, call: call)
                    }
                }
                StepView.show(frozen, output.output)
            }
        }
    }
}
