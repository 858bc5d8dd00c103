import RegistryModel

extension RegistryService {
    /// What the store answers: see there.
    public func zoneSerial(
        of zone: FQDN, digest: [UInt8], at revision: Revision, above floor: UInt32
    ) async throws(RegistryError) -> ZoneSerial? {
        try await store.zoneSerial(of: zone, digest: digest, at: revision, above: floor)
    }
}
