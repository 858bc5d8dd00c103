import GRDB
import GRDBSQLite
import Synchronization

/// How long the write-ahead log has become, as SQLite says after each commit.
///
/// It takes the place of SQLite's own automatic checkpoint, which runs inside the commit that crosses
/// the limit: its writer would wait for two more syncs before it's answered. Here a checkpoint comes
/// after the answers.
final class WALGauge: Sendable {
    /// SQLite's own default, some 4 MiB.
    static let limit = 1000

    private let pages = Atomic(0)
    private let began = Atomic(false)

    var isCheckpointDue: Bool { pages.load(ordering: .relaxed) >= Self.limit }

    /// Whether the log has begun anew since the last time that somebody asked: the file has what it held before.
    func hasBegunAnew() -> Bool { began.exchange(false, ordering: .relaxed) }

    private func note(_ count: Int) {
        if count <= pages.exchange(count, ordering: .relaxed) {
            began.store(true, ordering: .relaxed)
        }
    }

    /// - Parameter db: the writer; this must live until it's closed.
    func watch(_ db: Database) {
        sqlite3_wal_hook(
            db.sqliteConnection,
            { gauge, _, _, pages in
                guard let gauge else { return SQLITE_OK }
                Unmanaged<WALGauge>.fromOpaque(gauge).takeUnretainedValue().note(Int(pages))
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }
}
