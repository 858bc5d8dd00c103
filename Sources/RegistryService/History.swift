import RegistryModel

extension RegistryService {
    public func history(_ query: HistoryQuery) async throws(RegistryError) -> Read<
        Page<HistoryItem>
    > {
        try await store.history(query)
    }

    /// A domain that was ever known has a history, whatever a filter leaves of it.
    /// - Throws: `unknownDomain` for any other; nothing where `fqdn` is nil.
    public func checkHasHistory(_ fqdn: FQDN?) async throws(RegistryError) {
        guard let fqdn else { return }
        let any = try await store.history(HistoryQuery(fqdn: fqdn, limit: 1))
        if any.value.items.isEmpty { throw .unknownDomain(fqdn) }
    }

    /// Where the log ends, and the digest that vouches for all of it.
    public func head() async throws(RegistryError) -> Head {
        try await store.head()
    }
}
