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
    /// - Parameters:
    ///   - changes: what the table with the columns of `change_log` is called.
    ///   - headers: what that with the columns of `revision_log` is called.
    package static func columns(_ changes: String, _ headers: String) -> String {
        let names = [
            (changes, changeColumns),
            (headers, headerColumns),
        ]
        return names.flatMap { table, columns in columns.map { "\(table).\($0)" } }
            .joined(separator: ", ")
    }

    private static let changeColumns = [
        "revision", "position", "action", "fqdn", "before_location", "before_mode", "before_tenant",
        "after_location", "after_mode", "after_tenant", "registered_at", "subject",
        "before_detail", "after_detail",
    ]
    private static let headerColumns = [
        "epoch", "at", "actor_token", "actor_name", "actor_role", "reason", "ticket", "request_id",
        "migration", "wave", "override_reason",
    ]

    fileprivate init(_ row: SQLRow, under header: RevisionHeader) throws {
        let change = try ChangeRow(
            action: row.text(2), fqdn: row.textIfPresent(3),
            before: row.placementIfPresent(from: 4), after: row.placementIfPresent(from: 7),
            registeredAt: row.timeIfPresent(10), subject: row.textIfPresent(11),
            beforeDetail: row.textIfPresent(12), afterDetail: row.textIfPresent(13)
        ).change()
        self.init(header: header, position: try row.integer(1), change: change)
    }
}

/// Reads rows of history one after the other. The changes of a revision share its header, which is read once.
package struct HistoryReader {
    private var header: RevisionHeader?

    package init() {}

    package mutating func item(_ row: SQLRow) throws -> HistoryItem {
        let revision = try row.revision(0)
        if let header, header.revision == revision { return try HistoryItem(row, under: header) }
        let header = RevisionHeader(
            epoch: Epoch(try row.text(14)), revision: revision, at: try row.time(15),
            actor: Actor(
                token: try row.text(16), name: try row.text(17), role: try row.word(18)),
            note: Note(reason: try row.textIfPresent(19), ticket: try row.textIfPresent(20)),
            requestID: try row.text(21), migration: try row.textIfPresent(22),
            wave: try row.numberIfPresent(23).map(Int.init),
            overrideReason: try row.textIfPresent(24))
        self.header = header
        return try HistoryItem(row, under: header)
    }
}

extension ChangeRow {
    package static let insertion = """
        INSERT INTO change_log (revision, position, action, fqdn, before_location, before_mode,
            before_tenant, after_location, after_mode, after_tenant, registered_at, subject,
            before_detail, after_detail)
        """
}

extension RevisionHeader {
    /// With the number of changes and the digest behind its own columns.
    package static let insertion = """
        INSERT INTO revision_log (revision, epoch, at, actor_token, actor_name, actor_role, reason,
            ticket, request_id, migration, wave, override_reason, change_count, digest)
        """
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
