import RegistryAPI
import RegistryModel
import Synchronization

/// How far a check is, on stderr: a bar on a terminal, what was checked at last elsewhere.
final class VerificationBar: Sendable {
    private struct State {
        var last: VerificationProgress?
        var shown = ContinuousClock.now - VerificationBar.interval
        /// Only ever used with the lock held.
        nonisolated(unsafe) var bar: ProgressBar?
    }

    private let state = Mutex(State())
    private let started = ContinuousClock.now

    private static let interval = Duration.milliseconds(100)

    /// On any thread.
    func update(_ progress: VerificationProgress) {
        state.withLock { state in
            state.last = progress
            let bar = state.bar ?? ProgressBar(total: Int(progress.head.number))
            state.bar = bar
            guard state.shown.duration(to: .now) >= Self.interval else { return }
            state.shown = .now
            bar.update(Int(progress.extent.revisions), text: Self.text(progress))
        }
    }

    func finish() {
        let seconds = started.duration(to: .now) / .seconds(1)
        state.withLock { state in
            guard let last = state.last else { return }
            state.bar?.finish("\(Self.text(last)) in \((seconds * 10).rounded() / 10) s")
        }
    }

    private static func text(_ progress: VerificationProgress) -> String {
        let extent = progress.extent
        return
            "\(extent.revisions) of \(progress.head) revisions, \(extent.changes) changes, \(extent.domains) domains checked"
    }
}
