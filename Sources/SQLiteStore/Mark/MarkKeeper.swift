import DurableFiles
import Foundation
import GRDB
import Logging
import RegistryLedger
import RegistryModel
import Synchronization

/// Keeps the mark beside an open store at its head.
final class MarkKeeper: Sendable {
    private let file: StoreMarkFile
    private let last: Mutex<StoreMark>
    private let logger: Logger
    private let hasComplained = Atomic(false)

    init(_ mark: StoreMark, in file: StoreMarkFile, logger: Logger) {
        self.file = file
        self.logger = logger
        last = Mutex(mark)
    }

    /// Marks the store as it is now: first the mark is on the disk, then the file says that it has one.
    ///
    /// - Parameters:
    ///   - store: the path of its file.
    ///   - hadLog: whether there was a log beside the file before it was opened.
    static func mark(
        _ db: Database, beside store: String, hadLog: Bool
    ) throws -> (StoreMark, StoreMarkFile) {
        let head = try Head.read(db)
        let mark = StoreMark(
            head, base: hadLog ? try base(before: head, beside: store) : head.revision)
        let file = try StoreFiles.attempt { () throws(FileFailure) in
            try StoreMarkFile(mark, at: StoreMarkFile.path(beside: store), owner: store)
        }
        let version = StoppedFile.marked
        if try Int.fetchOne(db, sql: "PRAGMA user_version") != version {
            try db.execute(sql: "PRAGMA user_version = \(version)")
        }
        return (mark, file)
    }

    /// What is known of a log that goes on.
    private static func base(before head: Head, beside store: String) throws -> Revision {
        let found = try StoreFiles.attempt { () throws(FileFailure) in
            try StoreMarkFile.read(StoreMarkFile.path(beside: store))
        }
        guard case .mark(let mark) = found, mark.epoch == head.epoch else { return .zero }
        return mark.base
    }

    /// Notes a head that is on the disk. What goes wrong is said once: a mark that is behind is true.
    ///
    /// - Parameter logBeganAnew: since the last time. What was noted then is in the file.
    func note(_ head: Head, logBeganAnew: Bool) {
        let mark = last.withLock { last in
            last = StoreMark(head, base: logBeganAnew ? last.revision : last.base)
            return last
        }
        do throws(FileFailure) {
            try file.advance(to: mark)
        } catch {
            complain(error)
        }
    }

    func close() {
        do throws(FileFailure) {
            try file.close()
        } catch {
            complain(error)
        }
    }

    private func complain(_ failure: FileFailure) {
        guard !hasComplained.exchange(true, ordering: .relaxed) else { return }
        logger.warning(
            "the mark beside the store stays behind; a store that was put back is found out only before it",
            metadata: ["error": "\(failure)"])
    }
}
