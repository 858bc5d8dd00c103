import RegistryModel

/// What a migration shall move, and how. The server reads it in a way of its own, straight into the plan's names:
/// there may be a million.
package struct PlanRequest: WrittenShape {
    package enum Selection: Sendable {
        /// At most 1,000,000.
        case names([String])
        /// All of these have to hold; none: everything.
        case filter(
            suffix: String?, prefix: String?, tenant: String?, registeredBefore: String?,
            samplePercent: Double?)
    }

    package enum Wave: Sendable, Equatable {
        case count(Int)
        /// Of the eligible, above 0 and at most 100.
        case percent(Double)
        case rest
    }

    package var name: String?
    package var from: String
    package var to: String
    package var selection: Selection
    /// Empty: one wave of everything.
    package var waves: [Wave]
    /// none, read_only or reject; nil: none.
    package var freeze: String?
    package var note = Note()

    package init(
        name: String?, from: String, to: String, selection: Selection, waves: [Wave],
        freeze: String?
    ) {
        self.name = name
        self.from = from
        self.to = to
        self.selection = selection
        self.waves = waves
        self.freeze = freeze
    }

    package static let fields: [ShapeField<PlanRequest>] =
        [
            .optional("name") { Cell($0.name) }, ShapeField("from") { .text($0.from) },
            ShapeField("to") { .text($0.to) },
            ShapeField("select", true) { plan, writer in
                writer.key("select")
                writer.selection(plan.selection)
            },
            ShapeField("waves", false) { plan, writer in
                guard !plan.waves.isEmpty else { return }
                writer.list(named: "waves", plan.waves) { $0.wave($1) }
            },
            .optional("freeze") { Cell($0.freeze) },
        ] + Note.note { $0.note }
}

extension JSONWriter {
    fileprivate mutating func selection(_ selection: PlanRequest.Selection) {
        beginObject()
        switch selection {
        case .names(let names): list(named: "fqdns", names) { $0.string($1) }
        case .filter(let suffix, let prefix, let tenant, let registeredBefore, let samplePercent):
            key("where")
            beginObject()
            fieldIfPresent("suffix", suffix)
            fieldIfPresent("prefix", prefix)
            fieldIfPresent("tenant", tenant)
            fieldIfPresent("registered_before", registeredBefore)
            endObject()
            if let samplePercent {
                key("sample_percent")
                percent(samplePercent)
            }
        }
        endObject()
    }

    fileprivate mutating func wave(_ wave: PlanRequest.Wave) {
        beginObject()
        switch wave {
        case .count(let count): field("count", count)
        case .percent(let share):
            key("percent")
            percent(share)
        case .rest: field("rest", true)
        }
        endObject()
    }

    /// 10, not 10.0: the request reads as a person would write it.
    private mutating func percent(_ share: Double) {
        if let whole = Int(exactly: share) { integer(whole) } else { number(share) }
    }
}
