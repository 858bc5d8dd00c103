import RegistryAPI
import RegistryModel
import Synchronization

/// How far a check is, on stderr: a bar on a terminal, what was checked at last elsewhere.
final class VerificationBar: Sendable {
    private struct State {
        var last: VerificationResource.Progress?
        var shown = ContinuousClock.now - VerificationBar.interval
        /// Only ever used with the lock held.
        nonisolated(unsafe) var bar: ProgressBar?
    }

    private let state = Mutex(State())
    private let started = ContinuousClock.now

    private static let interval = Duration.milliseconds(100)

    /// On any thread.
    func update(_ progress: VerificationResource.Progress) {
        state.withLock { state in
            state.last = progress
            let bar = state.bar ?? ProgressBar(total: Int(progress.of))
            state.bar = bar
            guard state.shown.duration(to: .now) >= Self.interval else { return }
            state.shown = .now
            bar.update(Int(progress.revisions), text: Self.text(progress))
        }
    }

    func update(_ step: VerificationProgress) {
        update(
            .init(
                revisions: step.extent.revisions, of: step.head.number,
                changes: step.extent.changes, domains: step.extent.domains))
    }

    func finish() {
        let seconds = started.duration(to: .now) / .seconds(1)
        state.withLock { state in
            guard let last = state.last else { return }
            state.bar?.finish("\(Self.text(last)) in \((seconds * 10).rounded() / 10) s")
        }
    }

    private static func text(_ progress: VerificationResource.Progress) -> String {
        "\(progress.revisions) of \(progress.of) revisions, \(progress.changes) changes, \(progress.domains) domains checked"
    }
}
