import Dispatch
import DurableFiles
import Logging
import RegistryLedger
import RegistryModel
import Synchronization

/// How far this node has seen the database's log come, in a file of its own: durably at the start and at the end,
/// and every so often in between. A hint and no more: the node does without where it can't be read or written.
final class NodeMark: Sendable {
    private struct State {
        var file: StoreMarkFile?
        /// The last one that was seen.
        var seen: StoreMark?
        var written: StoreMark?
        var writtenAt = ContinuousClock.now
        var isWriting = false
        var hasFailed = false

        /// Takes in what is further than what was seen before.
        mutating func see(_ mark: StoreMark) {
            if let seen, seen.epoch == mark.epoch, seen.revision >= mark.revision { return }
            seen = mark
        }
    }

    private let path: String?
    private let isKept: Bool
    private let logger: Logger
    /// A disk that hangs holds up nobody else.
    private let queue = DispatchQueue(label: "store-mark")
    private let state = Mutex(State())

    /// Between two writes.
    private static let interval = Duration.seconds(1)

    /// - Parameters:
    ///   - path: nil: there is none.
    ///   - isKept: false: it's only read.
    init(_ path: String?, isKept: Bool = true, logger: Logger) {
        self.path = path
        self.isKept = isKept
        self.logger = logger
    }

    /// The one that was left by this node's last life.
    func read() -> StoreMark? {
        guard let path else { return nil }
        do throws(FileFailure) {
            switch try StoreMarkFile.read(path) {
            case .none: return nil
            case .mark(let mark): return mark
            case .damaged:
                logger.warning(
                    "the mark of how far the log had come is damaged, and is made anew",
                    metadata: ["file": "\(path)"])
            }
        } catch {
            logger.warning(
                "the mark of how far the log had come can't be read",
                metadata: ["error": "\(error)"])
        }
        return nil
    }

    /// The node begins with this head.
    func begin(_ head: Head) {
        guard let path, isKept else { return }
        let mark = StoreMark(head)
        do throws(FileFailure) {
            let file = try StoreMarkFile(mark, at: path)
            state.withLock { $0 = State(file: file, seen: mark, written: mark) }
        } catch { warn(error) }
    }

    /// The database's log has been seen to end here. Doesn't block.
    func note(_ head: Head) {
        let mark = StoreMark(head)
        let next = state.withLock { state -> (StoreMarkFile, StoreMark)? in
            state.see(mark)
            guard let file = state.file, let seen = state.seen, !state.isWriting,
                seen != state.written,
                state.writtenAt.duration(to: .now) >= Self.interval
            else { return nil }
            state.isWriting = true
            return (file, seen)
        }
        guard let (file, mark) = next else { return }
        queue.async { [self] in
            var failure: FileFailure?
            do throws(FileFailure) { try file.advance(to: mark) } catch { failure = error }
            let isFirst = state.withLock { state in
                defer { (state.isWriting, state.writtenAt) = (false, .now) }
                state.written = mark
                defer { state.hasFailed = failure != nil }
                return !state.hasFailed
            }
            if let failure, isFirst { warn(failure) }
        }
    }

    /// The node ends.
    func close(_ head: Head?) async {
        if let head { note(head) }
        await withCheckedContinuation { done in
            queue.async { [self] in
                let (file, mark) = state.withLock { state in
                    defer { state.file = nil }
                    return (state.file, state.seen)
                }
                do throws(FileFailure) {
                    if let file, let mark {
                        try? file.advance(to: mark)
                        try file.close()
                    }
                } catch { warn(error) }
                done.resume()
            }
        }
    }

    private func warn(_ error: FileFailure) {
        logger.warning(
            "the mark of how far the log has come can't be written", metadata: ["error": "\(error)"]
        )
    }
}
