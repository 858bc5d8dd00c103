import RegistryModel

extension JSONWriter {
    package mutating func write(_ head: Head) {
        beginObject()
        field("epoch", head.epoch.text)
        field("revision", head.revision.number)
        field("digest", DigestText.text(head.digest))
        endObject()
    }

    package mutating func write(_ result: Verification) {
        beginObject()
        field("ok", result.isGood)
        field("revision", result.revision.number)
        if result.isGood {
            field("digest", DigestText.text(result.digest))
        } else {
            fieldIfPresent("first_bad_revision", result.firstBadRevision?.number)
            field("what", result.what)
        }
        if !result.foreign.isEmpty { list("foreign", result.foreign) { $0.string($1) } }
        endObject()
    }

    package mutating func write(_ step: VerificationProgress) {
        beginObject()
        key("progress")
        beginObject()
        field("revisions", step.extent.revisions)
        field("of", step.head.number)
        field("changes", step.extent.changes)
        field("domains", step.extent.domains)
        endObject()
        endObject()
    }
}

package struct HeadResource: Decodable, Sendable, Equatable {
    package var epoch: String
    package var revision: Int64
    package var digest: String
}

/// A line of a check that tells how far it is: one or the other.
package struct VerificationResource: Decodable, Sendable, Equatable {
    package struct Progress: Decodable, Sendable, Equatable {
        package var revisions: Int64
        package var of: Int64
        package var changes: Int64
        package var domains: Int64

        package init(revisions: Int64, of: Int64, changes: Int64, domains: Int64) {
            self.revisions = revisions
            self.of = of
            self.changes = changes
            self.domains = domains
        }
    }

    package var progress: Progress?
    package var ok: Bool?
    package var revision: Int64?
    package var digest: String?
    package var firstBadRevision: Int64?
    package var what: String?
    /// What is beside the store's own tables.
    package var foreign: [String]?

    package init(
        ok: Bool, revision: Int64, digest: String?, firstBadRevision: Int64?, what: String?,
        foreign: [String]
    ) {
        self.foreign = foreign
        self.ok = ok
        self.revision = revision
        self.digest = digest
        self.firstBadRevision = firstBadRevision
        self.what = what
    }

    enum CodingKeys: String, CodingKey {
        case progress, ok, revision, digest, what, foreign
        case firstBadRevision = "first_bad_revision"
    }
}
