import RegistryModel

/// A name of which a location's list and the registry say different things.
package struct DriftEntry: Shape, Equatable {
    /// In canonical form; of what is no name, the text as it was sent, its beginning where it's long.
    package var fqdn: String
    package var finding: DriftFinding
    /// Where it's registered, of what is elsewhere.
    package var registered: LocationName?

    package init(fqdn: String, finding: DriftFinding, registered: LocationName? = nil) {
        self.fqdn = fqdn
        self.finding = finding
        self.registered = registered
    }

    package static let fields: [ShapeField<DriftEntry>] = [
        ShapeField("fqdn") { .text($0.fqdn) },
        ShapeField("finding") { .text($0.finding.rawValue) },
        .optional("registered") { Cell($0.registered?.text) },
    ]

    package init?(reading object: inout JSONObjectReader) {
        let fqdn = object.text("fqdn")
        let finding = object.choice("finding", DriftFinding.self)
        registered = object.has("registered") ? object.location("registered") : nil
        guard let fqdn, let finding else { return nil }
        self.fqdn = fqdn
        self.finding = finding
    }
}

extension DriftCounts: Shape {
    package static let fields: [ShapeField<DriftCounts>] = [
        ShapeField("missing") { Cell($0.missing) }, ShapeField("elsewhere") { Cell($0.elsewhere) },
        ShapeField("unknown") { Cell($0.unknown) }, ShapeField("invalid") { Cell($0.invalid) },
    ]

    package init?(reading object: inout JSONObjectReader) {
        let (missing, elsewhere) = (object.count("missing"), object.count("elsewhere"))
        let (unknown, invalid) = (object.count("unknown"), object.count("invalid"))
        guard let missing, let elsewhere, let unknown, let invalid else { return nil }
        self.init()
        (self.missing, self.elsewhere) = (missing, elsewhere)
        (self.unknown, self.invalid) = (unknown, invalid)
    }
}

/// The last line: all findings are before it.
package struct DriftSummary: Shape, Equatable {
    package var counts: DriftCounts
    /// What everything was read at.
    package var revision: Revision

    package init(counts: DriftCounts, revision: Revision) {
        self.counts = counts
        self.revision = revision
    }

    package static let fields: [ShapeField<DriftSummary>] = [
        ShapeField("summary", object: { $0.counts }), ShapeField("revision") { Cell($0.revision) },
    ]

    package init?(reading object: inout JSONObjectReader) {
        let counts = object.shape("summary", DriftCounts.self)
        guard let revision = object.revision("revision"), let counts else { return nil }
        self.counts = counts
        self.revision = revision
    }
}

/// A line of the answer.
package enum DriftLine: Sendable, Equatable {
    case entry(DriftEntry)
    case summary(DriftSummary)

    package init(json bytes: some Collection<UInt8>) throws(FeedFormatError) {
        self = try JSONObjectReader.read(bytes, "a line of a comparison") { object in
            if object.has("summary") {
                return DriftSummary(reading: &object).map { .summary($0) }
            }
            return DriftEntry(reading: &object).map { .entry($0) }
        }
    }
}

extension JSONWriter {
    /// An entry as `DriftEntry` has it, from where it lies in memory: there may be a million.
    ///
    /// - Parameter fqdn: UTF-8.
    package mutating func writeDriftEntry(
        _ fqdn: UnsafeRawBufferPointer, _ finding: DriftFinding, registered: LocationName?
    ) {
        beginPieces()
        piece("{\"fqdn\":\"")
        piece(escaping: fqdn)
        piece("\",\"finding\":\"")
        piece(plain: finding.rawValue)
        if let registered {
            piece("\",\"registered\":\"")
            piece(plain: registered.text)
        }
        piece("\"}")
        endPieces()
    }
}
