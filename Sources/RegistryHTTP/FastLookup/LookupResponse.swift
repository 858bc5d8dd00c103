import HTTPTypes
import RegistryModel
import RoutingTable

/// What a lookup answers, decided in one place: status, tag and fields, and whether a domain's JSON follows.
///
/// It's printed twice: into an `EndpointResponse` for the router, and as bytes on the event loop that read the request. So
/// it holds nothing that would have to be made: numbers, and what the table has.
struct LookupResponse {
    enum Content {
        /// A domain, whose revision is its tag; with 304 its JSON isn't there.
        case domain(Revision, isFenced: Bool)
        /// Where a proxy sends a host.
        case target(RouteTarget)
        /// A host that nobody has.
        case unknown
    }

    let status: LookupStatus
    /// What the table was read at.
    let position: Position
    let content: Content

    /// - Parameter isKnown: whether the client has it, by its tag.
    static func domain(
        _ revision: Revision, isKnown: Bool, isFenced: Bool, at position: Position
    ) -> LookupResponse {
        // A fence comes and goes without a revision: what it answers has no tag, and isn't known by one.
        LookupResponse(
            status: isKnown && !isFenced ? .notModified : .ok, position: position,
            content: .domain(revision, isFenced: isFenced))
    }

    /// - Parameter unknown: what a host that nobody has gets.
    static func route(
        _ target: RouteTarget?, unknown: LookupStatus, at position: Position
    ) -> LookupResponse {
        guard let target else {
            return LookupResponse(status: unknown, position: position, content: .unknown)
        }
        return LookupResponse(status: .ok, position: position, content: .target(target))
    }

    var hasBody: Bool {
        if case .domain = content { status == .ok } else { false }
    }

    /// Its own fields, in their order; what every answer has is the printer's.
    func print(_ settings: LookupSettings, to printer: inout some LookupPrinter) {
        switch content {
        case .domain(let revision, let isFenced):
            if hasBody { printer.print(.contentType, "application/json") }
            if isFenced {
                printer.print(.tenantFenced, "true")
            } else {
                printer.printTag(position.epoch, revision)
            }
        case .target(let target):
            printer.print(.tenantLocation, target.location.text)
            printer.print(.tenantMode, target.mode.rawValue)
            if target.isFenced { printer.print(.tenantFenced, "true") }
            if let upstream = target.upstream { printer.print(.tenantUpstream, upstream.text) }
            printer.print(.tenantRevision, position.epoch, target.revision)
            printer.print(.cacheControl, settings.cacheControl)
            if target.mode != .serve { printer.print(.retryAfter, settings.retryAfter) }
        case .unknown: printer.print(.tenantMode, "unknown")
        }
    }
}

/// Takes the fields of a lookup's answer, one after the other. Only ever used by way of `some`: an existential
/// would cost an allocation.
protocol LookupPrinter {
    mutating func print(_ field: LookupField, _ text: String)
    mutating func print(_ field: LookupField, _ epoch: Epoch, _ revision: Revision)
    /// `ETag`, the revision in its quotes.
    mutating func printTag(_ epoch: Epoch, _ revision: Revision)
}

/// What of the settings is in answers, as text that is made once.
struct LookupSettings: Sendable {
    let cacheControl: String
    let retryAfter: String

    init(_ options: HTTPOptions) {
        cacheControl = options.routeCacheControl
        retryAfter = String(options.retryAfterSeconds)
    }
}

enum LookupField {
    case contentType, tenantLocation, tenantMode, tenantFenced, tenantUpstream, tenantRevision,
        cacheControl, retryAfter

    var name: HTTPField.Name {
        switch self {
        case .contentType: .contentType
        case .tenantLocation: .xTenantLocation
        case .tenantMode: .xTenantMode
        case .tenantFenced: .xTenantFenced
        case .tenantUpstream: .xTenantUpstream
        case .tenantRevision: .xTenantRevision
        case .cacheControl: .cacheControl
        case .retryAfter: .retryAfter
        }
    }

    /// The end of the line before, and everything up to the value.
    var bytes: StaticString {
        switch self {
        case .contentType: "\r\nContent-Type: "
        case .tenantLocation: "\r\nX-Tenant-Location: "
        case .tenantMode: "\r\nX-Tenant-Mode: "
        case .tenantFenced: "\r\nX-Tenant-Fenced: "
        case .tenantUpstream: "\r\nX-Tenant-Upstream: "
        case .tenantRevision: "\r\nX-Tenant-Revision: "
        case .cacheControl: "\r\nCache-Control: "
        case .retryAfter: "\r\nRetry-After: "
        }
    }
}

/// What a lookup's answer may say.
enum LookupStatus: Int {
    case ok, notModified, forbidden, notFound

    var http: HTTPResponse.Status {
        switch self {
        case .ok: .ok
        case .notModified: .notModified
        case .forbidden: .forbidden
        case .notFound: .notFound
        }
    }

    var code: Int {
        switch self {
        case .ok: 200
        case .notModified: 304
        case .forbidden: 403
        case .notFound: 404
        }
    }

    /// Without the line's end.
    var line: StaticString {
        switch self {
        case .ok: "HTTP/1.1 200 OK"
        case .notModified: "HTTP/1.1 304 Not Modified"
        case .forbidden: "HTTP/1.1 403 Forbidden"
        case .notFound: "HTTP/1.1 404 Not Found"
        }
    }
}

// MARK: The two printers

extension EndpointResponse {
    /// - Parameter body: the domain's JSON, where it has one.
    init(_ response: LookupResponse, _ settings: LookupSettings, body: [UInt8] = []) {
        var printer = EndpointResponsePrinter()
        response.print(settings, to: &printer)
        self.init(
            status: response.status.http, headers: printer.fields, body: body,
            revision: response.position.revision, epoch: response.position.epoch)
    }

    private struct EndpointResponsePrinter: LookupPrinter {
        var fields = HTTPFields()

        mutating func print(_ field: LookupField, _ text: String) { fields[field.name] = text }

        mutating func print(_ field: LookupField, _ epoch: Epoch, _ revision: Revision) {
            fields[field.name] = "\(Position(epoch: epoch, revision: revision))"
        }

        mutating func printTag(_ epoch: Epoch, _ revision: Revision) {
            fields[.eTag] = EntityTag.text(Position(epoch: epoch, revision: revision))
        }
    }
}

extension ByteCursor: LookupPrinter {
    mutating func print(_ field: LookupField, _ text: String) {
        write(field.bytes)
        write(text)
    }

    mutating func print(_ field: LookupField, _ epoch: Epoch, _ revision: Revision) {
        write(field.bytes)
        write(epoch.text)
        write(".")
        write(decimal: revision.number)
    }

    mutating func printTag(_ epoch: Epoch, _ revision: Revision) {
        write("\r\nETag: \"")
        write(epoch.text)
        write(".")
        write(decimal: revision.number)
        write("\"")
    }
}
