import RegistryLedger
import RegistryModel

extension Head {
    package static let columns = "epoch, revision, digest, at"
    package static let select = "SELECT \(columns) FROM head"

    package init(row: SQLRow) throws {
        self.init(
            epoch: Epoch(try row.text(0)), revision: try row.revision(1),
            digest: try row.bytes(2), at: try row.time(3))
    }

    package static func read(_ session: some SQLSession) throws -> Head {
        guard let head = try session.first(select, [], Head.init(row:)) else {
            throw HeadMissing()
        }
        return head
    }

    /// The head as it was right after a revision. Of the empty log, its time is zero.
    package static func read(_ session: some SQLSession, at asked: Revision) throws -> Head {
        let head = try read(session)
        try head.check(asked)
        return try session.first(
            "SELECT \(columns) FROM revision_log WHERE revision = $1", [.number(asked.number)],
            Head.init(row:))
            ?? Head(
                epoch: head.epoch, revision: .zero, digest: RevisionDigest.genesis,
                at: Timestamp(milliseconds: 0))
    }
}

/// A store without a head is damaged.
package struct HeadMissing: Error, CustomStringConvertible {
    package init() {}
    package var description: String { "the head is missing" }
}

extension HistoryItem {
    private static let headerColumns = [
        "epoch", "at", "actor_token", "actor_name", "actor_role", "reason", "ticket", "request_id",
        "migration", "wave", "override_reason", "allow_split",
    ]

    /// Of `change_log l` and `revision_log r`.
    package static let columns =
        (["l.revision", "l.position"] + headerColumns.prefixed("r.")
        + ChangeRow.columns.prefixed("l.")).listed

    fileprivate static let change = 2 + headerColumns.count
}

/// Reads rows of history one after the other. The changes of a revision share its header, which is read once, and nearly
/// all revisions have the epoch and the actor of the one before.
package struct HistoryReader {
    private var header: RevisionHeader?
    private var changes = ChangeReader()

    package init() {}

    package mutating func item(_ row: SQLRow) throws -> HistoryItem {
        let revision = try row.revision(0)
        if let header, header.revision == revision { return try item(row, under: header) }
        let header = RevisionHeader(
            epoch: try epoch(row), revision: revision, at: try row.time(3), actor: try actor(row),
            note: Note(reason: try row.textIfPresent(7), ticket: try row.textIfPresent(8)),
            requestID: try row.text(9), migration: try row.textIfPresent(10),
            wave: try row.numberIfPresent(11).map(Int.init),
            overrideReason: try row.textIfPresent(12), allowsSplit: try row.number(13) == 1)
        self.header = header
        return try item(row, under: header)
    }

    private mutating func item(
        _ row: SQLRow, under header: RevisionHeader
    ) throws -> HistoryItem {
        HistoryItem(
            header: header, position: try row.integer(1),
            change: try changes.change(row, from: HistoryItem.change).change())
    }

    private func epoch(_ row: SQLRow) throws -> Epoch {
        if let last = header?.epoch, row.holds(last.text, 2) { return last }
        return Epoch(try row.text(2))
    }

    private func actor(_ row: SQLRow) throws -> Actor {
        if let last = header?.actor, row.holds(last.token, 4), row.holds(last.name, 5),
            row.holds(last.role.rawValue, 6)
        {
            return last
        }
        return Actor(token: try row.text(4), name: try row.text(5), role: try row.word(6))
    }
}

extension ChangeRow {
    package static let tableColumns = ["revision", "position"] + columns
}

extension RevisionHeader {
    /// With the number of changes and the digest behind its own columns.
    package static let tableColumns = [
        "revision", "epoch", "at", "actor_token", "actor_name", "actor_role", "reason", "ticket",
        "request_id", "migration", "wave", "override_reason", "allow_split", "change_count",
        "digest",
    ]
}

extension IdempotencyRecord {
    package static let columns = "token, key, request_digest, revision, outcome, created_at"
    package static let byKey = "SELECT \(columns) FROM idempotency WHERE token = $1 AND key = $2"

    /// Nil: an answer that isn't there.
    package init?(row: SQLRow) throws {
        guard let outcome: Outcome = try ChangeRow.value(row.textIfPresent(4)) else { return nil }
        self.init(
            key: IdempotencyKey(
                token: try row.text(0), key: try row.text(1), requestDigest: try row.bytes(2)),
            revision: try row.revision(3), outcome: outcome, createdAt: try row.time(5))
    }

    package static func read(
        _ session: some SQLSession, token: String, key: String
    ) throws -> IdempotencyRecord? {
        try session.first(
            byKey, [.text(token), .text(key)], Self.init(row:)
        ).flatMap(\.self)
    }
}
