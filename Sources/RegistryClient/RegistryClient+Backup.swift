import NIOCore
import NIOHTTP1
import RegistryAPI
import RegistryModel

extension RegistryClient {
    /// A copy of the whole store, piece by piece; the server waits for `receive`.
    ///
    /// - Returns: the epoch and revision that it's of.
    package func backup(_ receive: (ByteBuffer) async throws -> Void) async throws -> Position? {
        try await stream(.makeBackup, accept: .sqlite, receive)
    }
}
