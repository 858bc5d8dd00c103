import Foundation
import RegistryModel
import Subprocess

/// A command of the operator's own, run by `sh -c`: what it writes goes to stderr, for stdout holds
/// our data. None of our files stays open in it, so that a daemon which it starts doesn't keep our listeners.
struct ShellCommand {
    let text: String

    /// A word as a shell reads it.
    static func quoted(_ word: String) -> String {
        let isPlain = word.wholeMatch(of: /[A-Za-z0-9_.,:\/@%+=-]+/) != nil
        return isPlain ? word : "'\(word.replacing("'", with: #"'\''"#))'"
    }

    enum Outcome: Equatable, CustomStringConvertible {
        case code(Int32)
        case signal(Int32)
        case notStarted(String)

        var isSuccess: Bool { self == .code(0) }

        var description: String {
            switch self {
            case .code(let code): "ended with \(code)"
            case .signal(let number): "was ended by signal \(number)"
            case .notStarted(let reason): "can't be started: \(reason)"
            }
        }
    }

    struct Child: Sendable {
        let process: Execution<NoInput, FileDescriptorOutput, FileDescriptorOutput>
        /// Whether it leads a process group of its own.
        let isLeader: Bool

        /// A shell ends without its own children: the whole group hears. At a terminal the command
        /// is in ours, so that it may ask for passwords there, and the terminal has sent Ctrl-C to
        /// it already.
        func send(_ signal: Int32) {
            guard isLeader || signal != SIGINT else { return }
            // One that has ended hears nothing.
            try? process.send(signal: Signal(rawValue: signal), toProcessGroup: isLeader)
        }
    }

    /// - Parameter environment: beside this process's own.
    func run(environment: [String: String], _ interruption: Interruption) async -> Outcome {
        let isLeader = isatty(STDIN_FILENO) == 0
        var options = PlatformOptions()
        options.processGroupID = isLeader ? 0 : nil
        let variables = environment.map { (Environment.Key(stringLiteral: $0), String?.some($1)) }
        do {
            let result = try await Subprocess.run(
                .path("/bin/sh"),
                arguments: Arguments(
                    executablePathOverride: "sh",
                    remainingValues: arguments(interruption.ignored)),
                environment: .inherit.updating(
                    Dictionary(uniqueKeysWithValues: variables)),
                platformOptions: options, input: .none, output: .currentStandardError,
                error: .currentStandardError
            ) { interruption.begin(Child(process: $0, isLeader: isLeader)) }
            interruption.end()
            return switch result.terminationStatus {
            case .exited(let code): .code(code)
            case .signaled(let number): .signal(number)
            }
        } catch {
            interruption.end()
            return .notStarted("\(error)")
        }
    }

    /// A command under `nohup` must not hear what `nohup` keeps away, and a library that starts processes gives
    /// each signal its default back: so a shell of ours ignores the same ones first.
    private func arguments(_ ignored: [Int32]) -> [String] {
        guard !ignored.isEmpty else { return ["-c", text] }
        let numbers = ignored.map(String.init).joined(separator: " ")
        return ["-c", "trap '' \(numbers); exec /bin/sh -c \"$1\"", "sh", text]
    }
}

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
