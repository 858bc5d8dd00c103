import Foundation
import Synchronization
import UnixSignals

/// Ctrl-C, SIGTERM and SIGHUP, while a command runs that mustn't be cut off just anywhere: the first
/// one is a wish to stop, a second one ends the process.
final class Interruption: Sendable {
    private struct State {
        var isRaised = false
        /// Whether a process that begins from now on ends at once.
        var isOver = false
        var lastWords = ""
        var child: ShellCommand.Child?
    }

    private let state = Mutex(State())
    /// The signals that this process hears itself, though it seems to ignore them.
    private let trapped: [Int32]

    /// One that hears nothing by itself, for a command that somebody else stops.
    init(trapped: [Int32]) {
        self.trapped = trapped
    }

    /// Signals that whoever started this process keeps away from it, and from what it starts.
    var ignored: [Int32] {
        [SIGHUP, SIGINT, SIGQUIT, SIGTERM].filter {
            Self.isIgnored($0) && !trapped.contains($0)
        }
    }

    /// Runs `body`, and hears signals meanwhile.
    static func heard(_ body: (Interruption) async throws -> Void) async throws {
        let heeded = heeded
        let interruption = Interruption(trapped: heeded.map(\.rawValue))
        // Heard from here on, not from whenever a child task begins.
        let signals = await UnixSignalsSequence(trapping: heeded)
        async let _ = interruption.listen(to: signals)
        try await body(interruption)
    }

    /// `nohup` and `&` have some ignored: these stay so.
    private static var heeded: [UnixSignal] {
        [UnixSignal.sigint, .sigterm, .sighup].filter { !isIgnored($0.rawValue) }
    }

    private static func isIgnored(_ signal: Int32) -> Bool {
        var action = sigaction()
        sigaction(signal, nil, &action)
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
            == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    var isRaised: Bool { state.withLock(\.isRaised) }

    /// What a second signal says before it ends the process: what is left behind.
    func leaving(_ text: String) {
        state.withLock { $0.lastWords = text }
    }

    /// - Parameter tick: hears now and then how many seconds are left.
    /// - Returns: false where a signal cut it short.
    func sleep(_ duration: Duration, tick: (Int) -> Void = { _ in }) async -> Bool {
        let end = ContinuousClock.now + duration
        while !isRaised {
            let left = end - ContinuousClock.now
            guard left > .zero else { return true }
            tick(Int(left.components.seconds) + 1)
            try? await Task.sleep(for: min(left, .milliseconds(100)))
        }
        return false
    }

    /// A process that ends before this one may. A signal that came just now reaches it too.
    func begin(_ child: ShellCommand.Child) {
        state.withLock {
            $0.child = child
            if $0.isRaised { child.send(SIGTERM) }
            if $0.isOver { child.send(SIGKILL) }
        }
    }

    /// Ends the process that has begun and hasn't ended, or that begins after this.
    func stopChild() {
        state.withLock {
            $0.isOver = true
            $0.child?.send(SIGKILL)
        }
    }

    /// As soon as it has ended: its id will be another process's one day.
    func end() {
        state.withLock { $0.child = nil }
    }

    private func listen(to signals: UnixSignalsSequence) async {
        for await signal in signals { hear(signal) }
    }

    private func hear(_ signal: UnixSignal) {
        state.withLock { state in
            guard state.isRaised else {
                state.isRaised = true
                state.child?.send(signal.rawValue)
                return StandardError.write("\n\(signal): stopping in order; once more: at once\n")
            }
            state.child?.send(SIGKILL)
            StandardError.write("\n\(state.lastWords)\n")
            exit(CommandFailure.failed("").exitCode)
        }
    }
}
