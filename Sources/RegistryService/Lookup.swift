import RegistryModel
import RoutingTable

extension RegistryService {
    /// Where a domain lives now, from the table.
    public func lookUp(_ fqdn: FQDN) throws(RegistryError) -> Read<Domain> {
        let read = try table.find(fqdn)
        guard let domain = read.value else { throw .unknownDomain(fqdn) }
        return Read(domain, at: read.revision)
    }

    /// The same for a name that lies in memory, nothing copied.
    ///
    /// - Parameter body: gets the canonical form too.
    /// - Returns: false where `body` wasn't called: nobody has the name, it isn't plainly one, or the
    ///   table isn't loaded.
    public func lookUp(
        octets: UnsafeRawBufferPointer,
        _ body: (_ name: UnsafeRawBufferPointer, TableEntry, _ position: Position) -> Void
    ) -> Bool {
        withCanonical(octets) { name in
            guard let name else { return false }
            var isFound = false
            try? table.withEntry(name) { entry, position in
                guard let entry else { return }
                isFound = true
                body(name, entry, position)
            }
            return isFound
        }
    }

    /// Many at one revision, in order.
    public func lookUp(_ fqdns: [FQDN]) throws(RegistryError) -> Read<[Domain?]> {
        try table.find(fqdns)
    }

    /// Where a domain lived right after `revision`, from the log.
    public func lookUp(_ fqdn: FQDN, at revision: Revision) async throws(RegistryError) -> Domain {
        guard let domain = try await store.domain(fqdn, at: revision) else {
            throw .unknownDomain(fqdn)
        }
        return domain
    }

    /// Where a domain lived at a time, from the log.
    public func lookUp(_ fqdn: FQDN, at time: Timestamp) async throws(RegistryError) -> Read<Domain>
    {
        let revision = try await store.revision(at: time)
        return Read(try await lookUp(fqdn, at: revision), at: revision)
    }

    public func statistics() throws(RegistryError) -> Read<TableStatistics> {
        try table.statistics()
    }

    public func domains(_ query: DomainQuery) async throws(RegistryError) -> Read<Page<Domain>> {
        try await store.domains(query)
    }

    public func history(_ query: HistoryQuery) async throws(RegistryError) -> Read<
        Page<HistoryItem>
    > {
        try await store.history(query)
    }
}
