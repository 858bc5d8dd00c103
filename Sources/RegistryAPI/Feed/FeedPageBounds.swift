import RegistryModel

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
