import RegistryModel

/// What the table holds for one name, in place: good until the closure that was given it returns.
public struct TableEntry {
    public var domain: DomainView
    public var upstream: UpstreamURL?

    public init(_ domain: DomainView, upstream: UpstreamURL?) {
        self.domain = domain
        self.upstream = upstream
    }
}

extension RouteTarget {
    init(_ entry: TableEntry) {
        self.init(
            location: entry.domain.location, mode: entry.domain.mode,
            fence: entry.domain.fence, revision: entry.domain.revision, upstream: entry.upstream)
    }
}

extension RoutingTable {
    public var routePosition: Position? { position }

    public func route(
        _ name: UnsafeRawBufferPointer?, _ body: (RouteTarget?, _ position: Position) -> Void
    ) throws(RegistryError) {
        if let name {
            try withEntry(name) { body($0.map(RouteTarget.init), $1) }
        } else if let position {
            body(nil, position)
        } else {
            throw .notReady
        }
    }

    /// The same as a value.
    public func route(_ fqdn: FQDN?) throws(RegistryError) -> Read<RouteTarget?> {
        try (fqdn?.withBytes { read($0) } ?? read(nil)).get()
    }

    private func read(
        _ name: UnsafeRawBufferPointer?
    ) -> Result<Read<RouteTarget?>, RegistryError> {
        var result: Result<Read<RouteTarget?>, RegistryError> = .failure(.notReady)
        do throws(RegistryError) {
            try route(name) { result = .success(Read($0, at: $1)) }
        } catch {
            result = .failure(error)
        }
        return result
    }
}
