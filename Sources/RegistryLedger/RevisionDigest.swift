import Crypto
import RegistryModel

/// The digest chain: SHA-256 over the previous digest, the revision's header and its changes.
///
/// The encoding is netstrings (`5:japan,`), `~` for an absent value and decimal text for numbers:
/// no two different revisions have one encoding, and any language checks it in twenty lines.
/// `docs/history.md` writes it down field by field. The order of the fields never changes.
package struct RevisionDigest {
    private var hash = SHA256()
    private var buffer: [UInt8] = []

    /// The digest before the first revision: 32 zero octets.
    package static let genesis = [UInt8](repeating: 0, count: 32)

    package static func digest(
        of header: RevisionHeader, changes: [Change], after previous: [UInt8]
    ) -> [UInt8] {
        var digest = RevisionDigest(header, changeCount: changes.count, after: previous)
        for change in changes { digest.add(ChangeRow(change)) }
        return digest.finish()
    }

    package init(_ header: RevisionHeader, changeCount: Int, after previous: [UInt8]) {
        hash.update(data: previous)
        field(header.epoch.text)
        field(header.revision.number)
        field(header.at.milliseconds)
        field(header.actor.token)
        field(header.actor.name)
        field(header.actor.role.rawValue)
        field(header.note.reason)
        field(header.note.ticket)
        field(header.requestID)
        field(header.migration)
        field(header.wave.map(Int64.init))
        field(header.overrideReason)
        field(Int64(changeCount))
    }

    package mutating func add(_ row: ChangeRow) {
        field(row.action)
        field(row.fqdn)
        placement(row.before)
        placement(row.after)
        field(row.registeredAt?.milliseconds)
        field(row.subject)
        field(row.beforeDetail)
        field(row.afterDetail)
        if buffer.count >= 1 << 16 { flush() }
    }

    package mutating func finish() -> [UInt8] {
        flush()
        return Array(hash.finalize())
    }

    private mutating func placement(_ placement: Placement?) {
        field(placement?.location.text)
        field(placement?.mode.rawValue)
        field(placement?.tenant)
    }

    private mutating func field(_ text: String?) {
        guard let text else {
            buffer.append(UInt8(ascii: "~"))
            return
        }
        buffer.append(contentsOf: String(text.utf8.count).utf8)
        buffer.append(UInt8(ascii: ":"))
        buffer.append(contentsOf: text.utf8)
        buffer.append(UInt8(ascii: ","))
    }

    private mutating func field(_ number: Int64?) {
        field(number.map(String.init))
    }

    private mutating func flush() {
        hash.update(data: buffer)
        buffer.removeAll(keepingCapacity: true)
    }
}
