import RegistryModel

/// Whole revisions after `from` up to `to`: what a long poll answers, and one event of the stream.
package struct FeedPage: Sendable, Hashable {
    package var epoch: Epoch
    package var from: Revision
    /// The last revision that is in here, whole. One that touches no domain and no location counts,
    /// and has no change.
    package var to: Revision
    /// The registry's head as this was written; `to` or later.
    package var head: Revision
    /// In the order of their revisions.
    package var changes: [FeedChange]

    package init(
        epoch: Epoch, from: Revision, to: Revision, head: Revision, changes: [FeedChange] = []
    ) {
        self.epoch = epoch
        self.from = from
        self.to = to
        self.head = head
        self.changes = changes
    }
}

extension JSONWriter {
    package mutating func write(_ page: FeedPage) {
        begin(page)
        for change in page.changes { write(change) }
        endPage()
    }

    /// Everything of a page up to its first change: for pages that are streamed. The changes in `page`
    /// aren't written.
    package mutating func begin(_ page: FeedPage) {
        beginObject()
        field("epoch", .text(page.epoch.text))
        field("from", Cell(page.from))
        field("to", Cell(page.to))
        field("head", Cell(page.head))
        key("changes")
        beginArray()
    }

    /// What follows the last change.
    package mutating func endPage() {
        endArray()
        endObject()
    }
}

extension FeedPage {
    /// Reads a page, and holds its changes against `from` and `to`.
    package init(parsing bytes: some Collection<UInt8>) throws(FeedFormatError) {
        self = try JSONObjectReader.read(bytes, "a page of changes") { FeedPage(&$0) }
        guard from <= to, to <= head else {
            throw FeedFormatError("a page of changes: from, to and head aren't in order")
        }
        var last = from.next
        for change in changes {
            guard change.revision >= last, change.revision <= to else {
                throw FeedFormatError("a page of changes: revisions aren't in order")
            }
            last = change.revision
        }
    }

    private init?(_ object: inout JSONObjectReader) {
        let epoch = object.epoch("epoch")
        let (from, to) = (object.revision("from"), object.revision("to"))
        let head = object.revision("head")
        var changes: [FeedChange] = []
        for var change in object.objects("changes", maximum: .max) {
            if let change = FeedChange(&change) { changes.append(change) }
        }
        guard let epoch, let from, let to, let head else { return nil }
        self.init(epoch: epoch, from: from, to: to, head: head, changes: changes)
    }
}

/// What a page of changes says beside its changes.
package struct FeedPageBounds: Sendable, Hashable {
    package var epoch: Epoch
    package var from: Revision
    /// The last revision that is in the page, whole.
    package var to: Revision
    /// The registry's head as the page was written; `to` or later.
    package var head: Revision
}

extension FeedPageBounds {
    /// - Parameters:
    ///   - page: as a document, without its changes.
    ///   - first: the revision of the first change, `last` that of the last; nil where there is none.
    init(
        _ page: JSONDocument, first: Revision?, last: Revision?
    ) throws(FeedFormatError) {
        self = try JSONObjectReader.read(page, "a page of changes") { object in
            let epoch = object.epoch("epoch")
            let (from, to) = (object.revision("from"), object.revision("to"))
            let head = object.revision("head")
            guard let epoch, let from, let to, let head else { return nil }
            return FeedPageBounds(epoch: epoch, from: from, to: to, head: head)
        }
        guard from <= to, to <= head else {
            throw FeedFormatError("a page of changes: from, to and head aren't in order")
        }
        guard first.map({ $0 > from }) ?? true, last.map({ $0 <= to }) ?? true else {
            throw FeedFormatError("a page of changes: a change isn't of its revisions")
        }
    }
}

/// An event that says where the log ends, and the digest of the routing table there.
package struct Heartbeat: Sendable, Hashable {
    /// The revision that the digest belongs to.
    package var head: Revision
    /// As a snapshot's header has it, for example `sum-murmur3:00…`.
    package var digest: String

    package init(head: Revision, digest: String) {
        self.head = head
        self.digest = digest
    }

    package init(parsing bytes: some Collection<UInt8>) throws(FeedFormatError) {
        self = try JSONObjectReader.read(bytes, "a heartbeat") { object in
            let (head, digest) = (object.revision("head"), object.string("digest", maximum: 200))
            guard let head, let digest else { return nil }
            return Heartbeat(head: head, digest: digest)
        }
    }
}

extension JSONWriter {
    package mutating func write(_ heartbeat: Heartbeat) {
        beginObject()
        field("head", Cell(heartbeat.head))
        field("digest", .text(heartbeat.digest))
        endObject()
    }
}
