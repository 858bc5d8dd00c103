import RegistryModel

extension RevisionChanges {
    /// - Parameter tokens: finds a token as it is now; its digest isn't in the log.
    package mutating func add(_ item: HistoryItem, tokens: (String) throws -> TokenRecord?) rethrows
    {
        switch item.change.subject {
        case .domain(let fqdn, _, let after, let registeredAt):
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
        case .migration(_, let before, let after):
            openMigrations += (after?.state.isOpen ?? false) ? 1 : 0
            openMigrations -= (before?.state.isOpen ?? false) ? 1 : 0
        }
    }
}
