import RegistryModel

extension JSONWriter {
    package mutating func write(_ migration: Migration) {
        beginObject()
        if !migration.id.isEmpty { field("id", migration.id) }
        members(of: migration.facts, waves: migration.waves)
        key("counts")
        beginObject()
        field("selected", migration.counts.selected)
        field("eligible", migration.counts.eligible)
        field("skipped", migration.counts.skipped)
        endObject()
        if !migration.warnings.isEmpty { list("warnings", migration.warnings) { $0.write($1) } }
        if let skipped = migration.skipped { list("skipped", skipped) { $0.write($1) } }
        field("created_at", migration.createdAt.description)
        key("created_by")
        write(migration.createdBy)
        fieldIfPresent("reason", migration.reason)
        fieldIfPresent("ticket", migration.ticket)
        endObject()
    }

    private mutating func members(of facts: MigrationFacts, waves: [Wave]) {
        heading(facts)
        list("waves", waves) { $0.write($1) }
    }

    /// What history shows before and after.
    package mutating func members(of facts: MigrationFacts) {
        heading(facts)
        list("waves", facts.waves) { $0.integer($1) }
    }

    private mutating func heading(_ facts: MigrationFacts) {
        field("name", facts.name)
        field("from", facts.from.text)
        field("to", facts.to.text)
        field("freeze", facts.freeze.rawValue)
        field("state", facts.state.rawValue)
        field("plan_digest", facts.planDigest)
    }

    private mutating func write(_ wave: Wave) {
        beginObject()
        field("number", wave.number)
        field("state", wave.state.rawValue)
        field("size", wave.size)
        fieldIfPresent("deadline", wave.deadline?.description)
        fieldIfPresent("revision", wave.revision?.number)
        endObject()
    }

    private mutating func write(_ warning: PlanWarning) {
        beginObject()
        field("wave", warning.wave)
        field("code", warning.code)
        field("detail", warning.detail)
        endObject()
    }

    private mutating func write(_ skipped: SkippedName) {
        beginObject()
        field("fqdn", skipped.fqdn.text)
        field("code", skipped.code.rawValue)
        endObject()
    }

    package mutating func write(_ domain: MigrationDomain) {
        beginObject()
        field("fqdn", domain.fqdn.text)
        fieldIfPresent("wave", domain.wave)
        field("status", domain.status.rawValue)
        fieldIfPresent("code", domain.code?.rawValue)
        endObject()
    }

    package mutating func write(_ conflict: WaveConflict) {
        beginObject()
        field("fqdn", conflict.fqdn.text)
        key("expected")
        write(conflict.expected)
        key("found")
        if let found = conflict.found { write(found) } else { null() }
        endObject()
    }

    private mutating func write(_ place: WaveConflict.Place) {
        beginObject()
        field("location", place.location.text)
        field("mode", place.mode.rawValue)
        endObject()
    }

    package mutating func write(_ actor: Actor) {
        beginObject()
        field("token", actor.token)
        field("name", actor.name)
        field("role", actor.role.rawValue)
        endObject()
    }

    /// An array of the elements of a collection.
    package mutating func list<Element>(
        _ name: StaticString, _ elements: [Element],
        _ write: (inout JSONWriter, Element) -> Void
    ) {
        key(name)
        beginArray()
        for element in elements { write(&self, element) }
        endArray()
    }
}
