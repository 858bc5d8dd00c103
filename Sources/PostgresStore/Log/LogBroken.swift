import RegistryLedger
import RegistryModel

/// The database's log isn't the one that this node's memory was brought from: commits were lost, or it
/// was restored. Memory can't go on.
struct LogBroken: Error {
    let what: String
}

extension LogDelivery.Place {
    /// nil where its digest isn't known.
    var head: Head? {
        digest.map {
            Head(epoch: epoch, revision: revision, digest: $0, at: Timestamp(milliseconds: 0))
        }
    }

    /// Whether a head that was read after this can be of the same log.
    /// - Throws: `LogBroken`.
    func check(_ head: Head) throws {
        guard head.epoch == epoch else {
            throw LogBroken(what: "it has another epoch: the database was restored")
        }
        guard head.revision >= revision else {
            throw LogBroken(
                what:
                    "it ends at revision \(head.revision), and revision \(revision) was there before: commits were lost"
            )
        }
        if head.revision == revision, let digest, digest != head.digest { throw replaced }
    }

    /// Whether the log at the other end of a connection, which may be another server's than before,
    /// has this revision as it was.
    /// - Throws: `LogBroken`, or a `PostgresFailure`.
    func compare(_ connection: PostgresConnection) throws {
        guard let digest, revision > .zero else { return }
        let row = try connection.query(
            "SELECT digest FROM revision_log WHERE revision = $1", [.number(revision.number)]
        ).first
        if let row, try row.bytes(0) != digest { throw replaced }
    }

    private var replaced: LogBroken {
        LogBroken(what: "revision \(revision) is another one than before: commits were lost")
    }
}
