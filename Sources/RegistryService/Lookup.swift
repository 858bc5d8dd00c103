import RegistryModel
import RoutingTable

extension LookupService {
    /// Where a domain lives now, from the table.
    public func lookUp(_ fqdn: FQDN) throws(RegistryError) -> Read<Domain> {
        let read = try table.find(fqdn)
        guard let domain = read.value else { throw .unknownDomain(fqdn) }
        return Read(domain, at: read.revision, of: read.epoch)
    }

    /// The same for a name that lies in memory, nothing copied.
    ///
    /// - Parameter body: gets the canonical form too.
    /// - Returns: false where `body` wasn't called: nobody has the name, it isn't plainly one, or the
    ///   table isn't loaded.
    public func lookUp(
        bytes: UnsafeRawBufferPointer,
        _ body: (_ name: UnsafeRawBufferPointer, TableEntry, _ position: Position) -> Void
    ) -> Bool {
        withCanonical(bytes) { name in
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

    public func statistics() throws(RegistryError) -> Read<TableStatistics> {
        try table.statistics()
    }
}

extension RegistryService {
    /// Where a domain lived right after `revision`, from the log.
    public func lookUp(_ fqdn: FQDN, at revision: Revision) async throws(RegistryError) -> Domain {
        guard let domain = try await store.domain(fqdn, at: revision) else {
            throw .unknownDomain(fqdn)
        }
        return domain
    }

    /// Many right after `revision`, in order, from the log.
    public func lookUp(
        _ fqdns: [FQDN], at revision: Revision
    ) async throws(RegistryError) -> Read<[Domain?]> {
        Read(try await store.domains(fqdns, at: revision), at: revision)
    }

    /// The last revision that a time had seen.
    /// - Throws: `unknownTime` for one that is later than the clock and than the log's last stamp. A clock
    ///   that once ran ahead has left stamps that are still to come.
    public func revision(at time: Timestamp) async throws(RegistryError) -> Revision {
        let now = now()
        if time > now {
            let clocks = try await store.clocks()
            let latest = max(now, clocks.now, clocks.stamp)
            guard time <= latest else { throw .unknownTime(time, latest: latest) }
        }
        return try await store.revision(at: time)
    }

    /// The list of domains as it was right after `revision`, from the log.
    public func domains(
        _ query: DomainQuery, at revision: Revision
    ) async throws(RegistryError) -> Read<Page<Domain>> {
        Read(try await store.domains(query, at: revision), at: revision)
    }

    public func domains(_ query: DomainQuery) async throws(RegistryError) -> Read<Page<Domain>> {
        try await store.domains(query)
    }
}
