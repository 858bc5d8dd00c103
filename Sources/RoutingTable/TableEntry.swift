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
    /// - Parameter body: its argument is good until it returns.
    public func withEntry(_ body: (TableEntry) -> Void) {
        domain.withView { body(TableEntry($1, upstream: upstream)) }
    }
}

extension RoutingTable {
    /// By way of values, for tables that have nothing quicker.
    public func withEntry(
        _ name: UnsafeRawBufferPointer, _ body: (TableEntry?, _ position: Position) -> Void
    ) throws(RegistryError) {
        let read = try route(FQDN(canonical: String(decoding: name, as: UTF8.self)))
        guard var position else { throw .notReady }
        position.revision = read.revision
        guard let target = read.value else { return body(nil, position) }
        target.withEntry { body($0, position) }
    }
}
