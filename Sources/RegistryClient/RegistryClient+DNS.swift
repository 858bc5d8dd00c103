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

    /// Where names live, of those that the registry has.
    package func locations(of fqdns: [String]) async throws -> [String: LocationName] {
        var found: [String: LocationName] = [:]
        for start in stride(from: 0, to: fqdns.count, by: LookupRequest.maximumNames) {
            let end = min(start + LookupRequest.maximumNames, fqdns.count)
            let answer = try await send(
                .lookUpDomains, body: LookupRequest(fqdns: Array(fqdns[start..<end])))
            let document: JSONDocument
            do {
                document = try JSONDocument(parsing: Array(answer.body.readableBytesView))
            } catch {
                throw ClientError.unreadable("\(error); the registry answered \(answer.status)")
            }
            var object = JSONObjectReader(document)
            for var result in object.objects("results", maximum: LookupRequest.maximumNames) {
                guard let name = result.optionalText("fqdn"),
                    let location = result.optionalText("location").flatMap({ LocationName($0) })
                else { continue }
                found[name] = location
            }
        }
        return found
    }
}
