import RegistryModel

extension RegistryService {
    /// What the store answers: see there.
    public func zoneSerial(
        of zone: FQDN, digest: [UInt8], at revision: Revision, above floor: UInt32
    ) async throws(RegistryError) -> ZoneSerial? {
        try await store.zoneSerial(of: zone, digest: digest, at: revision, above: floor)
    }
}

/// Names that have changed in a stretch of the log, of whatever zone.
public struct ZoneChanges: Sendable {
    public var names: Set<FQDN>
    /// The table has this, or a later one.
    public var through: Position
}

extension RegistryService {
    /// What has changed since a position, as far as a zone's records may depend on it.
    ///
    /// It's told from memory: a node that has started after the position doesn't know.
    ///
    /// - Throws: `resync` where there is no way from the position to the head, or where more than names has changed.
    public func zoneChanges(after position: Position) throws(RegistryError) -> ZoneChanges {
        let head = try feedHead(after: position)
        var names: Set<FQDN> = []
        guard position.revision < head.revision else {
            return ZoneChanges(names: names, through: head)
        }
        let slice = state.feed.slice(
            after: position.revision, through: head.revision, limit: .max)
        guard let slice, slice.last?.revision == head.revision else {
            throw .resync("what came after revision \(position.revision) isn't in memory any more")
        }
        for revision in slice {
            guard revision.changes.locations.isEmpty else {
                throw .resync(
                    "a location has changed at revision \(revision.revision), and so may every name"
                )
            }
            for change in revision.changes.domains {
                switch change {
                case .set(let domain): names.insert(domain.fqdn)
                case .gone(let name): names.insert(name)
                }
            }
        }
        return ZoneChanges(names: names, through: head)
    }
}
