import RegistryModel

extension RegistryService {
    /// A copy of everything at one revision.
    public func backup(_ context: WriteContext) async throws(RegistryError) -> StoreCopy {
        let copy = try await store.backup()
        logger.notice(
            "a backup was made",
            metadata: [
                "actor": "\(context.actor.token)", "request_id": "\(context.requestID)",
                "revision": "\(copy.head.revision)", "bytes": "\(copy.byteCount)",
            ])
        return copy
    }
}
