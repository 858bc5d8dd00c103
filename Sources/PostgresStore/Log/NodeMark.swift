import Dispatch
import DurableFiles
import Logging
import RegistryLedger
import RegistryModel
import StoreCore
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

/// Looks at the start whether the database was put back under its old epoch: by what agents have reported, and by
/// what this node has seen.
///
/// The server takes writes, so it has replayed what it was sent, and nothing that was ever told is still to come: one
/// that was promoted without the last commits has lost them.
struct RewindCheck {
    /// Read before this check, so that a log that goes on meanwhile is beyond it.
    let mark: StoreMark?
    /// Whether an operator has said that it's to go on under a new epoch.
    let accepts: Bool
    let logger: Logger

    /// - Returns: the head to begin with.
    /// - Throws: `PostgresOpeningError.rewound`.
    func run(_ connection: PostgresConnection) throws -> Head {
        let (head, rewind) = try look(connection)
        guard let rewind else { return head }
        guard accepts else { throw PostgresOpeningError.rewound(rewind.description) }
        let renewed = try connection.transaction {
            try connection.query("SELECT id FROM head FOR UPDATE")
            // Another node may have been here before.
            if try look(connection).1 != nil { try Head.begin(.random(), connection) }
            return try Head.read(connection)
        }
        logger.warning(
            "the database was put back; it goes on under a new epoch",
            metadata: ["seen": "\(rewind)", "epoch": "\(renewed.epoch)"])
        return renewed
    }

    /// One statement each: other nodes may be writing.
    private func look(_ connection: PostgresConnection) throws -> (Head, Rewind?) {
        let read = try connection.first(
            """
            SELECT \(Head.columns),
                (SELECT l.digest FROM revision_log AS l WHERE l.revision = $1)
            FROM head
            """, [.number(mark?.revision.number ?? 0)]
        ) { (head: try Head(row: $0), logged: $0.isNull(4) ? nil : try $0.bytes(4)) }
        guard let (head, logged) = read else { throw HeadMissing() }
        var signs: [Rewind.Evidence] = []
        if let mark, let mismatch = mark.mismatch(with: head, logged: logged),
            mismatch != .otherEpoch
        {
            signs.append(.mark(mark.revision, mismatch))
        }
        if let sign = try Rewind.Evidence.ofAgents(connection) { signs.append(sign) }
        return (head, Rewind(Position(epoch: head.epoch, revision: head.revision), signs))
    }
}

extension PostgresStore {
    /// Gives a database that no node uses a new epoch: for one that was restored by PostgreSQL's own means,
    /// and may lack revisions that somebody has seen. A node that runs on it all the same ends.
    ///
    /// - Returns: the head with its new epoch; revision and digest stay.
    /// - Throws: `PostgresOpeningError` where it can't be opened, or holds no store.
    package static func renewEpoch(_ connection: ConnectionSettings) async throws -> Head {
        let session = CopySession(connection)
        do {
            try await session.open()
            let head = try await session.run { connection in
                guard try SchemaHistory<PostgresOpeningError>.isThere(in: connection) else {
                    throw PostgresOpeningError.foreign("it holds no store")
                }
                try Head.begin(.random(), connection)
                return try Head.read(connection)
            }
            await session.close()
            return head
        } catch {
            await session.close()
            throw error
        }
    }
}
