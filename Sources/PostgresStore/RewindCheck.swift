import Logging
import RegistryLedger
import RegistryModel
import StoreCore

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
