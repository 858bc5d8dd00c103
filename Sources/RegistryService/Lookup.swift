import RegistryModel
import RoutingTable

extension LookupService {
    /// Where a domain lives now, from the table.
    public func lookUp(_ fqdn: FQDN) throws(RegistryError) -> Read<Domain> {
        let read = try table.find(fqdn)
        guard let domain = read.value else { throw .unknownDomain(fqdn) }
        return Read(fenced(domain), at: read.revision, of: read.epoch)
    }

    /// The same for a name that lies in memory, nothing copied.
    ///
    /// - Parameter body: gets the canonical form too, and whether the mode is the fence's.
    /// - Returns: false where `body` wasn't called: nobody has the name, it isn't plainly one, or the
    ///   table isn't loaded.
    public func lookUp(
        bytes: UnsafeRawBufferPointer,
        _ body: (
            _ name: UnsafeRawBufferPointer, TableEntry, _ isFenced: Bool, _ position: Position
        ) -> Void
    ) -> Bool {
        withCanonical(bytes) { name in
            guard let name else { return false }
            var isFound = false
            try? table.withEntry(name) { entry, position in
                guard var entry else { return }
                isFound = true
                let isFenced = isFenced(entry.domain.fence)
                if isFenced { entry.domain.mode = strictest(entry.domain.mode, entry.domain.fence) }
                body(name, entry, isFenced, position)
            }
            return isFound
        }
    }

    /// Many at one revision, in order.
    public func lookUp(_ fqdns: [FQDN]) throws(RegistryError) -> Read<[Domain?]> {
        var read = try table.find(fqdns)
        read.value = read.value.map { $0.map(fenced) }
        return read
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

extension LookupService {
    /// What a proxy asks on each request. Whatever a visitor may have put into the host, the answer
    /// is a target or "unknown", never an error.
    ///
    /// - Parameter host: as the proxy saw it, a `:port` and all.
    public func route(host: String?) throws(RegistryError) -> Read<RouteTarget?> {
        let fqdn = host.flatMap { try? FQDN(Substring(Self.withoutPort($0.utf8))) }
        var read = try table.route(fqdn)
        read.value = read.value.map(fenced)
        return read
    }

    /// The same for a host that lies in memory, nothing copied.
    ///
    /// - Returns: false where `body` wasn't called: the host needs libidn2, or the table isn't
    ///   loaded.
    public func route(
        bytes host: UnsafeRawBufferPointer, _ body: (RouteTarget?, _ position: Position) -> Void
    ) -> Bool {
        let name = UnsafeRawBufferPointer(rebasing: Self.withoutPort(host))
        return withCanonical(name) { name in
            (try? table.route(name) { body($0.map(fenced), $1) }) != nil
        }
    }

    /// RFC 3986 §3.2.3: a port is digits, or nothing, after a colon.
    static func withoutPort<Bytes: BidirectionalCollection<UInt8>>(
        _ host: Bytes
    ) -> Bytes.SubSequence {
        guard let colon = host.lastIndex(of: UInt8(ascii: ":")) else { return host[...] }
        let port = host[colon...].dropFirst()
        return port.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } ? host[..<colon] : host[...]
    }

    /// - Parameter body: gets the canonical form, or nil for what can't be a name.
    /// - Returns: what `body` says; false without it where the name needs libidn2.
    func withCanonical(
        _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer?) -> Bool
    ) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: FQDN.maximumLength, alignment: 8) { canonical in
            switch FQDN.read(bytes, canonical: canonical) {
            case .canonical(let count):
                body(UnsafeRawBufferPointer(rebasing: canonical[..<count]))
            case .malformed: body(nil)
            case .needsIDNA: false
            }
        }
    }
}

/// What a node answers from its memory alone: where a domain lives now. A registry has it, and so has
/// an agent, which holds the same table and neither a store nor a log.
public struct LookupService: Sendable {
    public let state: NodeState
    let now: @Sendable () -> Timestamp
    /// Of a copy that fences itself; nil: what the table says counts.
    private let lease: TableLease?

    public init(
        state: NodeState, lease: TableLease? = nil, now: @escaping @Sendable () -> Timestamp
    ) {
        self.state = state
        self.lease = lease
        self.now = now
    }

    /// Whether a domain with this fence is answered as frozen. Others don't pay for the clock.
    public func isFenced(_ fence: Mode?) -> Bool {
        guard fence != nil, let lease else { return false }
        return !lease.isHeld
    }

    private func strictest(_ mode: Mode, _ fence: Mode?) -> Mode {
        fence.map { max(mode, $0) } ?? mode
    }

    private func fenced(_ target: RouteTarget) -> RouteTarget {
        guard isFenced(target.fence) else { return target }
        var target = target
        target.mode = strictest(target.mode, target.fence)
        target.isFenced = true
        return target
    }

    private func fenced(_ domain: Domain) -> Domain {
        guard isFenced(domain.fence) else { return domain }
        var domain = domain
        domain.placement.mode = strictest(domain.mode, domain.fence)
        return domain
    }

    var table: any RoutingTable { state.table }

    /// The node's clock.
    public var time: Timestamp { now() }

    /// What this node's routes are answered at.
    /// - Throws: `notReady` until there is something to answer them by.
    public func position() throws(RegistryError) -> Position {
        guard let position = table.routePosition else { throw .notReady }
        return position
    }

    /// Waits until this node's table has a revision that a client names.
    /// - Throws: `revisionNotReached` after `limit`; `resync` where it's of another epoch than the table is,
    ///   or has come to be meanwhile.
    public func wait(
        for asked: NamedRevision, within limit: Duration
    ) async throws(RegistryError) {
        let revision = try asked.checked(in: position().epoch)
        let isReached = await table.reaches(revision, within: limit)
        let position = try position()
        _ = try asked.checked(in: position.epoch)
        guard isReached else { throw .revisionNotReached(revision, now: position.revision) }
    }
}
