import RegistryModel

/// Where the log ends, and the digest that vouches for it.
package struct HistoryHead: Shape, Equatable {
    package var epoch: Epoch
    package var revision: Revision
    /// `sha256:…`
    package var digest: String

    package init(_ head: Head) {
        epoch = head.epoch
        revision = head.revision
        digest = DigestText.text(head.digest)
    }

    package static let fields: [ShapeField<HistoryHead>] = [
        ShapeField("epoch") { .text($0.epoch.text) }, ShapeField("revision") { Cell($0.revision) },
        ShapeField("digest") { .text($0.digest) },
    ]

    package init?(reading object: inout JSONObjectReader) {
        let (epoch, revision) = (object.epoch("epoch"), object.revision("revision"))
        guard let digest = object.text("digest"), let epoch, let revision else { return nil }
        self.epoch = epoch
        self.revision = revision
        self.digest = digest
    }
}

/// What a check of the log has found.
package struct VerificationResponse: Shape, Equatable {
    package var isGood: Bool
    package var revision: Revision
    /// Where everything fits.
    package var digest: String?
    package var firstBadRevision: Revision?
    package var what: String?
    /// What is beside the store's own tables.
    package var foreign: [String]

    package init(_ result: Verification) {
        isGood = result.isGood
        revision = result.revision
        foreign = result.foreign
        if isGood {
            digest = DigestText.text(result.digest)
        } else {
            firstBadRevision = result.firstBadRevision
            what = result.what
        }
    }

    package static let fields: [ShapeField<VerificationResponse>] = [
        ShapeField("ok") { .bool($0.isGood) }, ShapeField("revision") { Cell($0.revision) },
        .optional("digest") { Cell($0.digest) },
        .optional("first_bad_revision") { Cell($0.firstBadRevision) },
        .optional("what") { Cell($0.what) },
        ShapeField(
            "foreign", isRequired: false, texts: { $0.foreign.isEmpty ? nil : $0.foreign }),
    ]

    package init?(reading object: inout JSONObjectReader) {
        let (isGood, revision) = (object.bool("ok"), object.revision("revision"))
        digest = object.optionalText("digest")
        firstBadRevision = object.optionalRevision("first_bad_revision")
        what = object.optionalText("what")
        foreign = object.has("foreign") ? object.strings("foreign", maximum: .max) : []
        guard let isGood, let revision else { return nil }
        self.isGood = isGood
        self.revision = revision
    }
}

/// `{"progress":{…}}`: a line that tells how far a check is.
extension VerificationProgress: Shape {
    package static let fields: [ShapeField<VerificationProgress>] = [
        ShapeField("progress", true) { step, writer in
            writer.key("progress")
            writer.beginObject()
            writer.field("revisions", .number(step.extent.revisions))
            writer.field("of", Cell(step.head))
            writer.field("changes", .number(step.extent.changes))
            writer.field("domains", .number(step.extent.domains))
            writer.endObject()
        }
    ]

    package init?(reading object: inout JSONObjectReader) {
        guard var progress = object.object("progress") else { return nil }
        let head = progress.revision("of")
        var extent = Verification.Extent()
        extent.revisions = progress.integer("revisions", in: 0...Int64.max) ?? 0
        extent.changes = progress.integer("changes", in: 0...Int64.max) ?? 0
        extent.domains = progress.integer("domains", in: 0...Int64.max) ?? 0
        guard let head else { return nil }
        self.init(extent: extent, head: head)
    }
}

/// A line of a check that tells how far it is: one or the other.
package enum VerificationLine: Sendable, Equatable {
    case progress(VerificationProgress)
    case result(VerificationResponse)

    package init(json bytes: some Collection<UInt8>) throws(FeedFormatError) {
        self = try JSONObjectReader.read(bytes, "a line of a check") { object in
            if object.has("progress") {
                return VerificationProgress(reading: &object).map { .progress($0) }
            }
            return VerificationResponse(reading: &object).map { .result($0) }
        }
    }
}
