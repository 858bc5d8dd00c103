import RegistryModel
import Synchronization

/// Whether a copy of the table may let writes through to domains whose wave is announced: for as long as its registry has
/// answered it lately. Whoever can't be heard any more answers them as frozen by itself.
///
/// A lease is counted from when the report was sent that it answers, on a clock that counts sleep; and it counts once the copy
/// has applied the head that came with it, so that no answer brings back what a freeze has ended.
public final class TableLease: Sendable {
    private struct State {
        var epoch: Epoch?
        var applied = Revision.zero
        /// Leases whose heads are still to be applied.
        var pending: [Pending] = []
    }

    private struct Pending {
        var head: Revision
        var until: UInt64
    }

    private let state = Mutex(State())
    private let end = Atomic<UInt64>(0)
    private let clock: @Sendable () -> UInt64
    /// Told the end of each lease that counts.
    private let changed: @Sendable (UInt64) -> Void

    /// - Parameter clock: milliseconds of a clock that nobody sets and that counts sleep.
    public init(
        clock: @escaping @Sendable () -> UInt64,
        changed: @escaping @Sendable (UInt64) -> Void = { _ in }
    ) {
        (self.clock, self.changed) = (clock, changed)
    }

    /// The clock's time.
    public var now: UInt64 { clock() }

    public var isHeld: Bool { clock() < end.load(ordering: .acquiring) }

    /// How long it lasts yet, in milliseconds; 0: it's over.
    public var milliseconds: UInt64 {
        let (end, now) = (end.load(ordering: .acquiring), clock())
        return end > now ? end - now : 0
    }

    /// A report was answered.
    ///
    /// - Parameters:
    ///   - epoch: of what the report said.
    ///   - sent: when it was sent, by `now`.
    public func renew(_ lease: FenceLease, of epoch: Epoch, sent: UInt64) {
        let length = lease.length.components
        let milliseconds = length.seconds * 1_000 + length.attoseconds / 1_000_000_000_000_000
        let until = sent &+ UInt64(clamping: milliseconds)
        state.withLock { state in
            guard state.epoch == epoch else { return }
            guard state.applied < lease.head else { return extend(to: until) }
            state.pending.append(Pending(head: lease.head, until: until))
            // Reports follow one another: there are never many under way. The next ones to count are kept, and the newest.
            if state.pending.count > Self.mostPending {
                state.pending.remove(at: Self.mostPending - 1)
            }
        }
    }

    private static let mostPending = 8

    /// The copy has what a position says, wherever it's read.
    public func applied(_ position: Position) {
        state.withLock { state in
            if state.epoch != position.epoch {
                // What another log has announced, this one's leases say nothing of.
                state = State(epoch: position.epoch)
                end.store(0, ordering: .releasing)
                changed(0)
            }
            state.applied = position.revision
            for pending in state.pending where pending.head <= position.revision {
                extend(to: pending.until)
            }
            state.pending.removeAll { $0.head <= position.revision }
        }
    }

    private func extend(to until: UInt64) {
        guard until > end.load(ordering: .relaxed) else { return }
        end.store(until, ordering: .releasing)
        changed(until)
    }
}
