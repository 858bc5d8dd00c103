import ArgumentParser
import RegistryAPI
import RegistryClient

extension Migrations {
    struct Rollback: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a moved wave's domains the location and mode from before.")
        @OptionGroup var wave: WaveOptions
        @Option(help: "Domains that changed since the cutover: fail the call, or skip them.")
        var onConflict: RollbackRequest.OnConflict = .fail
        @OptionGroup var convergence: ConvergenceOptions
        @OptionGroup var why: NoteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        /// Never asks: this is the way back.
        func run() async throws {
            try await client.withClient { registry in
                let step = try await WaveStepCommand(registry, wave)
                let call = step.call("rollback", why, waitSeconds: convergence.seconds)
                let back = try await StepView.listingConflicts(output.output) {
                    try await Retry.calling {
                        try await registry.rollBack(
                            migration: wave.id, wave: wave.wave, onConflict: onConflict,
                            call: call)
                    }
                }
                StepView.show(back, output.output)
            }
        }
    }
}

extension RollbackRequest.OnConflict: ExpressibleByArgument {}
