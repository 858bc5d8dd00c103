import RegistryModel

extension RevisionChanges {
    /// - Parameter tokens: finds a token as it is now; its digest isn't in the log.
    package mutating func add(_ item: HistoryItem, tokens: (String) throws -> TokenRecord?) rethrows
    {
        switch item.change.subject {
        case .domain(let fqdn, _, let after, let registeredAt):
            note(item, at: after?.location)
            guard let after else { return domains.append(.gone(fqdn)) }
            domains.append(
                .set(
                    Domain(
                        fqdn: fqdn, placement: after, revision: item.header.revision,
                        registeredAt: registeredAt, changedAt: item.header.at)))
        case .location(let name, _, let after):
            guard let after else { return locations.append(.gone(name)) }
            locations.append(
                .set(Location(name: name, settings: after, revision: item.header.revision)))
        case .token(let id, _, _):
            if let token = try tokens(id) { self.tokens.append(token) }
        case .migration(let id, let before, let after):
            if item.change.action == .migrationCancelled {
                freezes.append(.cancelled(migration: id))
            }
            openMigrations += (after?.state.isOpen ?? false) ? 1 : 0
            openMigrations -= (before?.state.isOpen ?? false) ? 1 : 0
        }
    }

    /// What a line says of its wave's freeze. A wave's lines stand one after the other.
    private mutating func note(_ item: HistoryItem, at location: LocationName?) {
        guard let migration = item.header.migration, let number = item.header.wave, let location
        else { return }
        let wave = WaveName(migration: migration, number: number)
        switch item.change.action {
        case .frozen:
            if case .began(var frozen)? = freezes.last, frozen.name == wave {
                frozen.size += 1
                freezes[freezes.count - 1] = .began(frozen)
            } else {
                freezes.append(.began(FrozenWave(name: wave, location: location, size: 1)))
            }
        case .moved, .thawed:
            if freezes.last != .ended(wave) { freezes.append(.ended(wave)) }
        default: break
        }
    }
}
