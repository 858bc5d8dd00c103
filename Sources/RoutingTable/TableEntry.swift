import RegistryModel

/// What the table holds for one name, in place: good until the closure that was given it returns.
public struct TableEntry {
    public var location: LocationName
    public var upstream: UpstreamURL?
    public var mode: Mode
    /// UTF-8.
    public var tenant: UnsafeRawBufferPointer?
    public var revision: Revision
    public var registeredAt: Timestamp
    public var changedAt: Timestamp

    public init(
        location: LocationName, upstream: UpstreamURL?, mode: Mode, tenant: UnsafeRawBufferPointer?,
        revision: Revision, registeredAt: Timestamp, changedAt: Timestamp
    ) {
        self.location = location
        self.upstream = upstream
        self.mode = mode
        self.tenant = tenant
        self.revision = revision
        self.registeredAt = registeredAt
        self.changedAt = changedAt
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
        let domain = target.domain
        var entry = TableEntry(
            location: domain.location, upstream: target.upstream, mode: domain.mode, tenant: nil,
            revision: domain.revision, registeredAt: domain.registeredAt,
            changedAt: domain.changedAt)
        guard var tenant = domain.tenant else { return body(entry, position) }
        tenant.withUTF8 { bytes in
            entry.tenant = UnsafeRawBufferPointer(bytes)
            body(entry, position)
        }
    }
}
