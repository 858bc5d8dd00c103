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

    var isCheckpointDue: Bool { pages.load(ordering: .relaxed) >= Self.limit }

    /// - Parameter db: the writer; this must live until it's closed.
    func watch(_ db: Database) {
        sqlite3_wal_hook(
            db.sqliteConnection,
            { gauge, _, _, pages in
                guard let gauge else { return SQLITE_OK }
                Unmanaged<WALGauge>.fromOpaque(gauge).takeUnretainedValue()
                    .pages.store(Int(pages), ordering: .relaxed)
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }
}
