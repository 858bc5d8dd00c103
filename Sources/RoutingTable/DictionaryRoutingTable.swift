import RegistryModel
import Synchronization

/// The table as dictionaries behind one lock.
///
/// A lookup holds the lock for one hash and one comparison; a revision is applied under it whole,
/// so no reader sees half of one.
public final class DictionaryRoutingTable: RoutingTable {
    fileprivate struct State {
        var position: Position?
        var domains: [FQDN: Domain] = [:]
        var locations: [LocationName: Location] = [:]
        var counts: [LocationName: Count] = [:]
    }

    fileprivate struct Count {
        var domains = 0
        var frozen = 0
    }

    private let state = Mutex(State())
    private let waiters = RevisionWaiters()

    public init() {}

    public var position: Position? { state.withLock(\.position) }

    public func find(_ fqdn: FQDN) throws(RegistryError) -> Read<Domain?> {
        try read { $0.domains[fqdn] }
    }

    public func find(_ fqdns: [FQDN]) throws(RegistryError) -> Read<[Domain?]> {
        try read { state in fqdns.map { state.domains[$0] } }
    }

    public func route(_ fqdn: FQDN) throws(RegistryError) -> Read<RouteTarget?> {
        try read { state in
            state.domains[fqdn].map {
                RouteTarget(domain: $0, upstream: state.locations[$0.location]?.settings.upstream)
            }
        }
    }

    public func statistics() throws(RegistryError) -> Read<TableStatistics> {
        try read { state in
            TableStatistics(
                total: state.domains.count,
                locations: state.locations.keys.sorted().map { name in
                    let count = state.counts[name] ?? Count()
                    return .init(name: name, domains: count.domains, frozen: count.frozen)
                })
        }
    }

    private func read<Value: Sendable>(
        _ body: (borrowing State) -> Value
    ) throws(RegistryError) -> Read<Value> {
        let result: Read<Value>? = state.withLock { state in
            guard let position = state.position else { return nil }
            return Read(body(state), at: position.revision)
        }
        guard let result else { throw .notReady }
        return result
    }

    public func load(_ domains: [Domain], locations: [Location], at position: Position) {
        var fresh = State()
        fresh.domains.reserveCapacity(domains.count)
        for location in locations { fresh.locations[location.name] = location }
        for domain in domains { fresh.set(domain) }
        fresh.position = position
        state.withLock { [fresh] in $0 = fresh }
        waiters.wake(at: position.revision)
    }

    public func apply(_ changes: RevisionChanges) -> Bool {
        let applied = state.withLock { state -> Bool in
            guard let position = state.position else { return false }
            guard changes.revision > position.revision else { return true }
            guard changes.revision == position.revision.next else { return false }
            state.apply(changes)
            state.position?.revision = changes.revision
            return true
        }
        if applied { waiters.wake(at: changes.revision) }
        return applied
    }

    public func reaches(_ revision: Revision, within limit: Duration) async -> Bool {
        await waiters.wait(for: revision, within: limit) { [self] in position?.revision }
    }
}

extension DictionaryRoutingTable.State {
    mutating func apply(_ changes: RevisionChanges) {
        for change in changes.locations {
            switch change {
            case .set(let location): locations[location.name] = location
            case .gone(let name): locations[name] = nil
            }
        }
        for change in changes.domains {
            switch change {
            case .set(let domain): set(domain)
            case .gone(let fqdn):
                if let old = domains.removeValue(forKey: fqdn) { count(old, by: -1) }
            }
        }
    }

    mutating func set(_ domain: Domain) {
        if let old = domains.updateValue(domain, forKey: domain.fqdn) { count(old, by: -1) }
        count(domain, by: 1)
    }

    private mutating func count(_ domain: Domain, by difference: Int) {
        counts[domain.location, default: .init()].domains += difference
        if domain.mode != .serve { counts[domain.location, default: .init()].frozen += difference }
    }
}
