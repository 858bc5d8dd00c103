import RegistryModel

extension RegistryService {
    /// Keeps a name for whoever asks: nobody else gets it, and nothing serves it yet.
    ///
    /// - Parameter duration: within `HeldDomain.durations`.
    public func hold(
        _ domain: NewDomain, for duration: Duration, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try check(domain, context)
        return try await commitOverHolds(.hold(domain, for: duration), context)
    }

    /// Makes a name a domain that the caller holds.
    public func activate(
        _ fqdn: FQDN, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commitOverHolds(.activate(fqdn), context)
    }

    public func holds(
        _ query: DomainQuery
    ) async throws(RegistryError) -> Read<Page<HeldDomain>> {
        try await store.holds(query)
    }

    /// Commits what may meet holds that are over and whose end nobody has noted: that comes first, as a revision of
    /// the system's.
    func commitOverHolds(
        _ command: Command, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        while true {
            do throws(RegistryError) {
                return try await commit(command, context)
            } catch .holdsAreOver(let fqdns) {
                // They can't be over once more: a new hold lasts a minute at least.
                _ = try await commit(.expireHolds(fqdns), .endOfHolds)
            }
        }
    }

    /// Ends the holds that are over, so many in a revision that nobody waits for it.
    ///
    /// - Returns: how many.
    func expireHolds() async throws(RegistryError) -> Int {
        var count = 0
        while try await store.areHoldsDue() {
            let committed = try await commit(.expireHolds(nil), .endOfHolds)
            guard case .holdsExpired(let some) = committed.outcome, some > 0 else { break }
            count += some
        }
        return count
    }
}

extension WriteContext {
    fileprivate static let endOfHolds = WriteContext(
        actor: .system, note: Note(reason: "the hold came to its end"), requestID: "hold")
}
