import Logging
import LookupGrammar
import NIOCore
import RegistryAPI
import RegistryModel
import RegistryService
import RoutingTable

/// Answers lookups from raw bytes, on the event loop that read them: no parser, no task, no store.
///
/// It takes what `LookupGrammar` reads and the table answers with a success or, for a proxy, with
/// "unknown". Everything else, refusals too, is the router's. The rules are those of the router's
/// handlers, by way of the same services and the same `LookupResponse`; what differs is how that is
/// printed, and tests compare it byte by byte.
struct FastLookup: Sendable {
    let service: LookupService
    let options: HTTPOptions
    let log: RequestLog
    let drain: DrainSignal
    let logger: Logger
    private let scratches = EventLoopScratches()
    private let lookups = LookupMetrics()
    private let pieces: ResponseParts

    init(
        service: LookupService, options: HTTPOptions, log: RequestLog, drain: DrainSignal,
        logger: Logger
    ) {
        self.service = service
        self.options = options
        self.log = log
        self.drain = drain
        self.logger = logger
        pieces = ResponseParts(options)
    }

    func handler(_ connection: ConnectionGuard, on eventLoop: any EventLoop) -> FastLookupHandler {
        FastLookupHandler(self, connection, scratches.scratch(on: eventLoop))
    }

    /// Answers the request that `bytes` begin with into the scratch.
    ///
    /// - Returns: nil for what isn't a lookup, whole and plain, or isn't for this path to answer.
    func answer(
        _ bytes: UnsafeRawBufferPointer, _ memo: inout ConnectionMemo, _ scratch: EventLoopScratch,
        began: NIODeadline
    ) -> FastPathResponse? {
        guard let line = LookupLine(bytes) else { return nil }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[line.length...])
        guard let fields = memo.read(rest) else { return nil }
        let request = FastPathRequest(
            line: line, fields: fields, bytes: bytes,
            fieldBytes: UnsafeRawBufferPointer(
                rebasing: bytes[line.length..<line.length &+ fields.length]),
            isLast: fields.closes || drain.isDraining)
        // What follows the last request of a connection is the guard's to judge.
        guard !request.isLast || request.length == bytes.count,
            let caller = caller(request, &memo)
        else { return nil }
        scratch.takeRequestID(request)
        let answered =
            line.subject == .domain ? domain(request, scratch) : route(request, scratch)
        guard let status = answered else { return nil }

        let now = NIODeadline.now()
        let metrics = scratch.metrics(line, status)
        metrics.requests.increment()
        metrics.durations.recordNanoseconds((now - began).nanoseconds)
        let method = line.isHead ? "HEAD" : "GET"
        if log.wants(method: method, status: status.code, isFrequent: true) {
            log.write(
                RequestLog.Line(
                    requestID: scratch.requestIDText, method: method, route: line.subject.route,
                    status: status.code, duration: .nanoseconds((now - began).nanoseconds),
                    caller: caller,
                    traceparent: request.value(fields.traceparent).map {
                        String(decoding: $0, as: UTF8.self)
                    }),
                logger)
        }
        return FastPathResponse(length: request.length, isLast: request.isLast, end: now)
    }

    /// `EndpointRunner.authorize`, as far as it lets requests in: every role may read.
    private func caller(_ request: FastPathRequest, _ memo: inout ConnectionMemo) -> Caller? {
        if options.ignoresTokens { return .anonymous }
        guard let field = request.value(request.fields.authorization) else {
            return options.allowsAnonymousReads ? .anonymous : nil
        }
        var isTokenOfOurs = true
        let known = memo.token(field, service) { field in
            let secret = BearerToken.find(in: field)
            isTokenOfOurs = secret != nil
            return secret.map { Substring(decoding: $0, as: UTF8.self) }
        }
        if let known { return known.record.role.may(.read) ? .token(known.record) : nil }
        return !isTokenOfOurs && options.allowsAnonymousReads ? .anonymous : nil
    }

    private func domain(_ request: FastPathRequest, _ scratch: EventLoopScratch) -> LookupStatus? {
        let tag = request.tag
        guard request.acceptsJSON, !tag.isUnclear else { return nil }
        var status: LookupStatus?
        let isFound = service.lookUp(bytes: request.name) { name, entry, isFenced, position in
            lookups.found.increment()
            let response = LookupResponse.domain(
                entry.domain.revision,
                isKnown: tag.isOf(entry.domain.revision, in: position.epoch), isFenced: isFenced,
                at: position)
            scratch.json.clear()
            if response.hasBody {
                scratch.json.writeDomain(name, entry.domain)
            }
            pieces.write(response, request, scratch)
            status = response.status
        }
        return isFound ? status : nil
    }

    private func route(_ request: FastPathRequest, _ scratch: EventLoopScratch) -> LookupStatus? {
        guard let host = request.host else { return nil }
        var status = LookupStatus.ok
        let isAnswered = service.route(bytes: host) { target, position in
            (target == nil ? lookups.unknown : lookups.found).increment()
            let response = LookupResponse.route(
                target, unknown: request.unknownStatus, at: position)
            pieces.write(response, request, scratch)
            status = response.status
        }
        return isAnswered ? status : nil
    }
}

/// What came of a request on the fast path.
struct FastPathResponse {
    /// Bytes of the request.
    var length: Int
    /// Whether the connection ends with this answer.
    var isLast: Bool
    var end: NIODeadline
}

extension LookupLine.Subject {
    /// As the endpoint is declared.
    var route: String {
        switch self {
        case .domain: Self.domainPath
        case .query: Self.queryPath
        case .forwarded: Self.forwardedPath
        case .forwardedStatus: Self.forwardedStatusPath
        case .authority: Self.authorityPath
        }
    }

    private static let domainPath = EndpointID.getDomain.declaration.path
    private static let queryPath = EndpointID.route.declaration.path
    private static let forwardedPath = EndpointID.routeForwarded.declaration.path
    private static let forwardedStatusPath = EndpointID.routeForwardedStatus.declaration.path
    private static let authorityPath = EndpointID.routeAuthority.declaration.path
}
