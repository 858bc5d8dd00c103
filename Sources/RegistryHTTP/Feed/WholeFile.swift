import HTTPTypes
import RegistryAPI
import RegistryModel

/// What is sent whole, unless the client has it already: plain or as gzip, each with a tag of its own.
struct WholeFile: Sendable {
    private let isGzip: Bool
    private let revision: Revision
    private let fields: HTTPFields
    private let isKnown: Bool

    /// - Parameter tag: another one for other bytes.
    init(_ call: RegistryCall, tag: String, at revision: Revision) {
        isGzip = Gzip.isWanted(call.request.headers)
        self.revision = revision
        let tag = isGzip ? tag + "-gzip" : tag
        var fields = HTTPFields()
        fields[.eTag] = "\"\(tag)\""
        fields[.vary] = "Accept-Encoding"
        fields[.cacheControl] = "no-cache"
        self.fields = fields
        isKnown = call.request.headers[values: .ifNoneMatch].contains { value in
            EntityTag.list(value).contains { $0 == .any || $0.text == tag }
        }
    }

    /// `304`, where the client has it.
    var notModified: EndpointResponse? {
        guard isKnown else { return nil }
        return EndpointResponse(status: .notModified, headers: fields, revision: revision)
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

extension [UInt8] {
    /// Lets a writer write into this memory.
    mutating func appendJSON(_ body: (inout JSONWriter) -> Void) {
        var writer = JSONWriter(continuing: self)
        self = []
        body(&writer)
        self = writer.bytes
    }
}
