import RegistryModel

/// The digest chain: SHA-256 over the previous digest, the revision's header and its changes.
///
/// `docs/history.md` writes the encoding down field by field. The order of the fields never changes.
package struct RevisionDigest {
    private var hash = NetstringHash()

    /// The digest before the first revision: 32 zero bytes.
    package static let genesis = [UInt8](repeating: 0, count: 32)

    /// Fields of one change: the columns of `change_log` from `action` on.
    package static let fieldsPerChange = 12

    package static func digest(
        of header: RevisionHeader, changes: [Change], after previous: [UInt8]
    ) -> [UInt8] {
        var digest = RevisionDigest(header, changeCount: changes.count, after: previous)
        for change in changes { digest.add(ChangeRow(change)) }
        return digest.finish()
    }

    package init(_ header: RevisionHeader, changeCount: Int, after previous: [UInt8]) {
        hash.raw(previous)
        hash.text(header.epoch.text)
        hash.number(header.revision.number)
        hash.number(header.at.milliseconds)
        hash.text(header.actor.token)
        hash.text(header.actor.name)
        hash.text(header.actor.role.rawValue)
        hash.text(header.note.reason)
        hash.text(header.note.ticket)
        hash.text(header.requestID)
        hash.text(header.migration)
        hash.number(header.wave.map(Int64.init))
        hash.text(header.overrideReason)
        hash.number(Int64(changeCount))
    }

    package mutating func add(_ row: ChangeRow) {
        hash.text(row.action)
        hash.text(row.fqdn)
        placement(row.before)
        placement(row.after)
        hash.number(row.registeredAt?.milliseconds)
        hash.text(row.subject)
        hash.text(row.beforeDetail)
        hash.text(row.afterDetail)
    }

    /// One change straight from an engine's row: `field` adds its fields in the order of the
    /// columns, `fieldsPerChange` of them. Strings in between would cost more than the digest.
    package mutating func add(_ fields: (inout NetstringHash) throws -> Void) rethrows {
        try fields(&hash)
    }

    package mutating func finish() -> [UInt8] {
        hash.finish()
    }

    private mutating func placement(_ placement: Placement?) {
        hash.text(placement?.location.text)
        hash.text(placement?.mode.rawValue)
        hash.text(placement?.tenant)
    }
}
