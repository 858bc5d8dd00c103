import AsyncHTTPClient
import NIOCore
import RegistryAPI
import RegistryModel

extension RegistryClient {
    /// A zone's picture, as the server writes it, however much it is.
    ///
    /// - Parameters:
    ///   - query: `zone`, `default` and `ttl`.
    ///   - base: a master file with the operator's own records, which the picture then has too.
    ///   - receive: called with each piece in turn.
    /// - Returns: what it was read at.
    package func exportZone(
        _ format: ZoneFormat, _ query: [(String, String?)], base: [UInt8]?,
        _ receive: (ByteBuffer) async throws -> Void
    ) async throws -> Position? {
        try await stream(
            base == nil ? .GET : .POST, url(EndpointID.getExport.path(format.rawValue), query),
            sending: base.map { (.bytes(ByteBuffer(bytes: $0)), MediaType.zone.rawValue) },
            accept: format.type.rawValue,
            receive)
    }
}
