import RegistryModel

extension CommandExecution {
    /// Exactly one location is the default at any time: marking another moves the mark, in the same
    /// revision.
    ///
    /// - Parameter keepsDNS: whether what is there goes before what `settings` has; a new location has none then.
    func putLocation(
        _ name: LocationName, _ settings: LocationSettings, keepsDNS: Bool, ifMatch: Precondition?
    ) throws -> Decision {
        let current = try transaction.location(name)
        try check(ifMatch, against: current)
        var wanted = settings
        if keepsDNS { wanted.dns = current?.settings.dns }
        let location = Location(name: name, settings: wanted, revision: revision)
        if let current {
            guard current.settings != wanted else {
                return .unchanged(.location(current, isNew: false), at: revision)
            }
            if current.settings.isDefaultForSignups, !wanted.isDefaultForSignups {
                throw RegistryError.defaultLocationRequired(name)
            }
        } else if try transaction.locationCount() >= self.settings.locationLimit {
            throw RegistryError.tooManyLocations(limit: self.settings.locationLimit)
        }

        var log: [Change] = []
        var effects = RevisionChanges(revision: revision)
        if wanted.isDefaultForSignups, var former = try transaction.defaultLocation(),
            former.name != name
        {
            let before = former.settings
            former.settings.isDefaultForSignups = false
            former.revision = revision
            try transaction.put(former)
            log.append(
                Change(
                    .locationChanged, .location(former.name, before: before, after: former.settings)
                ))
            effects.locations.append(.set(former))
        }
        try transaction.put(location)
        log.append(
            Change(.locationChanged, .location(name, before: current?.settings, after: wanted)))
        effects.locations.append(.set(location))
        return Decision(
            outcome: .location(location, isNew: current == nil), log: log, effects: effects)
    }

    func deleteLocation(_ name: LocationName, ifMatch: Precondition?) throws -> Decision {
        let current = try transaction.location(name)
        try check(ifMatch, against: current)
        guard let current else {
            throw RegistryError.locationNotFound(name)
        }
        guard !current.settings.isDefaultForSignups else {
            throw RegistryError.defaultLocationRequired(name)
        }
        guard try !transaction.isReferenced(name, at: now),
            try !transaction.isReferencedByMigration(name)
        else {
            throw RegistryError.locationInUse(name)
        }
        try transaction.deleteLocation(name)
        return Decision(
            outcome: .locationDeleted,
            log: [Change(.locationChanged, .location(name, before: current.settings, after: nil))],
            effects: RevisionChanges(revision: revision, locations: [.gone(name)]))
    }

    /// A location's revision moves with everything that its settings are, the mark of the default too.
    private func check(_ ifMatch: Precondition?, against location: Location?) throws {
        guard let location else {
            if ifMatch == nil { return }
            throw RegistryError.revisionMismatch(current: nil)
        }
        try check(ifMatch, against: location.revision)
    }
}
