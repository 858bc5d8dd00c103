import ArgumentParser
import RegistryClient

extension Migrations {
    struct Thaw: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a wave's freeze where it is; the wave is planned again.")
        @OptionGroup var wave: WaveOptions
        @OptionGroup var why: NoteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            try await client.withClient { registry in
                let step = try await WaveStepCommand(registry, wave)
                let call = step.call("thaw", why)
                let thawed = try await Retry.calling {
                    try await registry.thaw(migration: wave.id, wave: wave.wave, call: call)
                }
                StepView.show(thawed, output.output)
            }
        }
    }
}
