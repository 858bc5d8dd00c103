import Crypto
import HTTPTypes
import RegistryAPI
import RegistryModel
import RegistryService

/// The files that proxies and people read all domains in.
enum ExportFormat: String, Sendable, CaseIterable {
    case nginxMap = "nginx-map"
    case haproxyMap = "haproxy-map"
    case csv
    case traefik

    /// What a map gives for a host.
    enum Value: String, Sendable, CaseIterable {
        case location, mode, upstream, placement
    }

    var type: MediaType {
        switch self {
        case .nginxMap, .haproxyMap: .plain
        case .csv: .csv
        case .traefik: .json
        }
    }

    var isMap: Bool { self == .nginxMap || self == .haproxyMap }
}

/// Text that one location becomes in a file, made once.
struct ExportTexts: Sendable {
    private let upstreams: [LocationName: [UInt8]]
    private let format: ExportFormat
    private let value: ExportFormat.Value

    init(
        _ locations: [(name: LocationName, upstream: UpstreamURL)], _ format: ExportFormat,
        _ value: ExportFormat.Value
    ) {
        self.format = format
        self.value = value
        upstreams = Dictionary(
            uniqueKeysWithValues: locations.map { name, upstream in
                (
                    name,
                    format == .nginxMap ? MapText.nginx(upstream.text) : Array(upstream.text.utf8)
                )
            })
    }

    /// Appends a map's line. A domain whose location has no upstream gets none: a wrong answer would
    /// be worse than the map's default.
    func appendLine(_ domain: Domain, to buffer: inout [UInt8]) {
        var upstream: [UInt8] = []
        if value == .upstream {
            guard let known = upstreams[domain.location] else { return }
            upstream = known
        }
        buffer += domain.fqdn.text.utf8
        buffer.append(UInt8(ascii: " "))
        switch value {
        case .location: buffer += domain.location.text.utf8
        case .mode: buffer += domain.mode.rawValue.utf8
        case .upstream: buffer += upstream
        case .placement: buffer += MapText.placement(domain.location, domain.mode)
        }
        if format == .nginxMap { buffer.append(UInt8(ascii: ";")) }
        buffer.append(UInt8(ascii: "\n"))
    }
}

/// All domains at one revision, page by page: memory for one page, however many there are.
struct DomainLines: Sendable {
    let service: RegistryService
    let revision: Revision

    /// Domains read at once.
    private static let pageSize = 2_000

    /// - Parameter encode: appends what one domain becomes.
    func write(
        _ opening: [UInt8], closing: [UInt8] = [],
        to write: ([UInt8]) async throws -> Void,
        _ encode: (Domain, inout [UInt8]) -> Void
    ) async throws {
        var buffer = opening
        var last: FQDN?
        repeat {
            let page = try await service.snapshotPage(
                after: last, at: revision, limit: Self.pageSize)
            for domain in page.items { encode(domain, &buffer) }
            last = page.hasMore ? page.items.last?.fqdn : nil
            if last == nil { buffer += closing }
            if !buffer.isEmpty { try await write(buffer) }
            buffer.removeAll(keepingCapacity: true)
        } while last != nil
    }
}

/// What is sent whole, unless the client has it already: plain or as gzip, each with a tag of its own.
struct WholeFile: Sendable {
    private let isGzip: Bool
    private let revision: Revision?
    private let fields: HTTPFields
    private let isKnown: Bool

    /// - Parameters:
    ///   - tag: another one for other bytes.
    ///   - revision: what it was read at; nil: it's no reading of the registry.
    init(_ request: HTTPFields, tag: String, at revision: Revision?) {
        isGzip = Gzip.isWanted(request)
        self.revision = revision
        let tag = isGzip ? tag + "-gzip" : tag
        var fields = HTTPFields()
        fields[.eTag] = "\"\(tag)\""
        fields[.vary] = "Accept-Encoding"
        fields[.cacheControl] = "no-cache"
        self.fields = fields
        isKnown = request[values: .ifNoneMatch].contains { value in
            EntityTag.list(value).contains { $0 == .any || $0.text == tag }
        }
    }

    /// Of bytes that nothing else names.
    static func tag(of bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).prefix(16).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }

    /// `304`, where the client has it.
    var notModified: EndpointResponse? {
        guard isKnown else { return nil }
        return EndpointResponse(status: .notModified, headers: fields, revision: revision)
    }

    /// - Parameter compressed: the same, compressed before.
    func response(
        _ type: String, _ bytes: [UInt8], _ compressed: [UInt8]
    ) -> EndpointResponse {
        var response = EndpointResponse(headers: fields, body: isGzip ? compressed : bytes)
        response.headers[.contentType] = type
        if isGzip { response.headers[.contentEncoding] = "gzip" }
        return response
    }

    func response(_ type: String, _ body: @escaping BodyStream) -> EndpointResponse {
        var response = EndpointResponse(headers: fields, revision: revision)
        response.headers[.contentType] = type
        if isGzip { response.headers[.contentEncoding] = "gzip" }
        response.stream = isGzip ? Gzip.compressing(body) : body
        return response
    }
}

extension EntityTag {
    /// For weak comparison.
    fileprivate var text: String? {
        guard case .tag(let text, _) = self else { return nil }
        return text
    }
}
