import Foundation
import RegistryModel

/// What the operator has run after maps have changed: a proxy's reload.
struct OnChangeCommand {
    let text: String
    /// A reload that hangs must not keep the next one waiting for ever.
    var limit = Duration.seconds(60)

    /// - Returns: nil where it ended with 0.
    @Sendable func run(_ position: Position, _ paths: [String]) async -> String? {
        let interruption = Interruption(trapped: [SIGTERM, SIGINT])
        return await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // Cut short where the command has ended, and where the agent is told to stop: it mustn't
                // wait for a reload that hangs.
                try? await Task.sleep(for: limit)
                interruption.stopChild()
            }
            let outcome = await ShellCommand(text: text).run(
                environment: [
                    "TENANT_REGISTRY_POSITION": "\(position)",
                    "TENANT_REGISTRY_MAPS": paths.joined(separator: "\n"),
                ], interruption)
            group.cancelAll()
            return outcome.isSuccess ? nil : outcome.description
        }
    }
}
