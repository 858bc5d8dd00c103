import Crypto
import RegistryModel

/// The digest chain: SHA-256 over the previous digest, the revision's header and its changes.
///
/// `docs/history.md` writes the encoding down field by field. The order of the fields never changes.
package struct RevisionDigest {
    private var hash = NetstringHash()

    /// The digest before the first revision: 32 zero bytes.
    package static let genesis = [UInt8](repeating: 0, count: 32)

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
        // What came later is hashed only where it's there, with its name before it: every older revision keeps its digest.
        if header.allowsSplit { hash.allowsSplit() }
    }

    package mutating func add(_ row: ChangeRow) {
        hash.text(row.action)
        hash.text(row.fqdn)
        hash.placement(row.before)
        hash.placement(row.after)
        hash.number(row.registeredAt?.milliseconds)
        hash.text(row.subject)
        hash.text(row.beforeDetail)
        hash.text(row.afterDetail)
    }

    /// One change straight from an engine's row: `fields` adds what is in `ChangeRow.columns`. Strings in between would
    /// cost more than the digest.
    package mutating func add(_ fields: (inout NetstringHash) throws -> Void) rethrows {
        try fields(&hash)
    }

    package mutating func finish() -> [UInt8] {
        hash.finish()
    }
}

/// SHA-256 over a sequence of fields, each a netstring (`5:japan,`), `~` where there is none;
/// numbers are decimal text. No two different sequences have one encoding, and any language checks
/// it in twenty lines.
package struct NetstringHash: Sendable {
    private var hash = SHA256()
    private var buffer: [UInt8] = []

    private static let flushAt = 1 << 16

    package init() {
        buffer.reserveCapacity(Self.flushAt + 4096)
    }

    /// Begins anew. The memory stays: millions of revisions have one change.
    package mutating func clear() {
        hash = SHA256()
        buffer.removeAll(keepingCapacity: true)
    }

    /// That a revision holds a split that somebody asked for.
    package mutating func allowsSplit() {
        text("allow_split")
        number(1)
    }

    /// Bytes as they are, in front of the fields.
    package mutating func raw(_ bytes: [UInt8]) {
        buffer.append(contentsOf: bytes)
    }

    package mutating func text(_ text: String?) {
        guard var text else { return absent() }
        text.withUTF8 { bytes($0) }
    }

    package mutating func number(_ number: Int64?) {
        guard let number else { return absent() }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = number.magnitude
            var start = digits.count
            repeat {
                let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
                start -= 1
                digits.initializeElement(at: start, to: UInt8(ascii: "0") + UInt8(digit))
                rest = quotient
            } while rest > 0
            if number < 0 {
                start -= 1
                digits.initializeElement(at: start, to: UInt8(ascii: "-"))
            }
            bytes(UnsafeBufferPointer(rebasing: digits[start...]))
        }
    }

    package mutating func absent() {
        buffer.append(UInt8(ascii: "~"))
    }

    /// A value of a kind that no field has. No field begins so: it can't fit any digest.
    package mutating func foreign() {
        buffer.append(UInt8(ascii: "?"))
    }

    /// The text of one field, in UTF-8.
    package mutating func bytes(_ bytes: UnsafeBufferPointer<UInt8>) {
        length(bytes.count)
        buffer.append(UInt8(ascii: ":"))
        buffer.append(contentsOf: bytes)
        buffer.append(UInt8(ascii: ","))
        if buffer.count >= Self.flushAt { flush() }
    }

    package mutating func finish() -> [UInt8] {
        flush()
        return Array(hash.finalize())
    }

    private mutating func length(_ count: Int) {
        // Nearly all fields are shorter than a hundred bytes.
        switch count {
        case 0..<10: buffer.append(UInt8(ascii: "0") + UInt8(count))
        case 10..<100:
            buffer.append(UInt8(ascii: "0") + UInt8(count / 10))
            buffer.append(UInt8(ascii: "0") + UInt8(count % 10))
        default: buffer.append(contentsOf: String(count).utf8)
        }
    }

    private mutating func flush() {
        buffer.withUnsafeBytes { hash.update(bufferPointer: $0) }
        buffer.removeAll(keepingCapacity: true)
    }
}

extension Head {
    /// - Throws: `unknownRevision` for one beyond the head.
    package func check(_ asked: Revision) throws(RegistryError) {
        guard asked <= revision else { throw .unknownRevision(asked, head: revision) }
    }
}
