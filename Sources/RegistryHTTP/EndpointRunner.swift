import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1
import RegistryAPI
import RegistryModel
import RegistryService

/// The rules that hold for every endpoint, in one place: readiness, who calls, how the body is read,
/// idempotency, `min_revision`, errors as problems, ids and revisions on every answer, log, metrics.
struct EndpointRunner: Sendable {
    let endpoint: Endpoint
    let node: ServingNode
    let options: HTTPOptions
    let metrics: EndpointMetrics
    let log: RequestLog
    let admission: Admission

    /// Never throws for a refusal; only where the connection itself is gone.
    func respond(to request: Request, context: RegistryRequestContext) async throws -> Response {
        let started = ContinuousClock.now
        let id = RequestID(echoing: request.headers[.xRequestID])
        var who: Caller?
        var permit: Permit?
        let response: EndpointResponse
        do {
            who = try authorize(request)
            let admitted = try admit(request)
            permit = admitted
            response = try await answer(
                EdgeCall(
                    request: request, lookups: node.lookups, caller: who ?? .anonymous,
                    requestID: id.text,
                    query: Query(
                        target: request.head.path ?? "", declared: endpoint.declaration.query),
                    parameters: context.parameters, permit: admitted),
                on: context.channel)
        } catch let error as HTTPParserError {
            throw error
        } catch {
            response = refusal(error, request, context.logger, id: id)
        }
        return conclude(
            response, request, caller: who, permit, id: id, started: started, context)
    }

    private func refusal(
        _ error: any Error, _ request: Request, _ logger: Logger, id: RequestID
    ) -> EndpointResponse {
        let problem = problem(for: error, logger, id: id)
        var response = EndpointResponse(status: problem.status, headers: problem.headers)
        response.isShed = problem.code == RegistryError.overloaded.code
        // A list may have no end, and nobody reads what is left of it.
        if !endpoint.declaration.takes.isEmpty, !isShort(request) {
            response.headers[.connection] = "close"
        }
        response.headers[.contentType] = Problem.contentType
        response.body = problem.body(instance: request.uri.path, requestID: id.text)
        return response
    }

    private func conclude(
        _ response: EndpointResponse, _ request: Request, caller: Caller?, _ permit: Permit?,
        id: RequestID,
        started: ContinuousClock.Instant, _ context: RegistryRequestContext
    ) -> Response {
        let logger = context.logger
        let record = { @Sendable [metrics, log, endpoint] in
            let duration = started.duration(to: .now)
            let (status, method) = (response.status.code, request.method.rawValue)
            metrics.record(status: status, duration)
            // Those are counted, and told of once a second.
            guard !response.isShed,
                log.wants(method: method, status: status, isFrequent: endpoint.isFrequent)
            else { return }
            log.write(
                RequestLog.Line(
                    requestID: id.text, method: method, route: endpoint.path, status: status,
                    duration: duration, caller: caller,
                    traceparent: request.headers[.traceparent]),
                logger)
        }
        guard let stream = response.stream, request.method != .head else {
            permit?.release()
            record()
            return finish(response, request, id: id)
        }
        var streaming = response
        streaming.stream = { write in
            defer {
                permit?.release()
                record()
            }
            do {
                try await stream(write)
            } catch {
                // A client that went away isn't worth more.
                logger.info(
                    "an answer broke off",
                    metadata: ["request_id": "\(id.text)", "error": "\(error)"])
                throw error
            }
        }
        return finish(streaming, request, id: id, on: context.channel)
    }

    // MARK: Before the handler

    /// - Returns: nil on an endpoint that is open to anyone.
    private func authorize(_ request: Request) throws -> Caller? {
        guard case .needs(let permission) = endpoint.declaration.access else { return nil }
        // Tokens are loaded with the table: before that nobody can be told apart.
        _ = try node.lookups.position()
        if options.ignoresTokens, permission == .read { return .anonymous }
        let field = request.headers[.authorization]
        guard let token = field.flatMap({ BearerToken.find(in: $0.utf8) }) else {
            guard permission == .read, options.allowsAnonymousReads else {
                throw Problem.unauthenticated
            }
            return .anonymous
        }
        guard let record = node.lookups.authenticate(Substring(token)) else {
            throw Problem.unauthenticated
        }
        guard record.role.may(permission) else { throw Problem.forbidden(record.role) }
        return .token(record)
    }

    private func answer(_ call: EdgeCall, on channel: any Channel) async throws -> EndpointResponse
    {
        var call = call
        if case .json(let limit) = endpoint.declaration.style {
            try checkAccept(call.request)
            switch call.request.method {
            case .post, .put, .patch:
                try QueryReader(call.query, knowing: endpoint.declaration.query).finish()
                if endpoint.declaration.takes.isEmpty {
                    call.body = try await readBody(call.request, limit: limit, call.permit)
                } else {
                    await ConnectionGuard.takeBodyAsItComes(on: channel)
                }
            // Its handler knows its query.
            case .delete: call.body = try await readBody(call.request, limit: limit, call.permit)
            default: break
            }
        }
        let (isReplay, answer) = try await endpoint.prepare(call)
        if case .json = endpoint.declaration.style, !isReplay {
            try checkPreconditions(call.request)
            try await waitForRevision(call, on: channel)
        }
        let endsWithClient = endpoint.endsWithClient || isDryRun(call.request)
        let response =
            endsWithClient
            ? try await ClientPresence.whileThere(on: channel, answer) : try await answer()
        if response.stream != nil, call.request.method != .head {
            call.permit.dropBody()
            if [.read, .write].contains(endpoint.loadClass) { try call.permit.move(to: .stream) }
        }
        return response
    }

    private func checkAccept(_ request: Request) throws {
        let types = endpoint.declaration.produces
        guard ContentNegotiation.choice(of: types, request.headers) != nil else {
            throw Problem.notAcceptable(types)
        }
    }

    /// A write that was to be done only as long as nothing has changed isn't done where nobody would look.
    private func checkPreconditions(_ request: Request) throws {
        let declaration = endpoint.declaration
        guard declaration.isIdempotent else { return }
        let names: [HTTPField.Name] =
            (declaration.takesIfMatch ? [] : [.ifMatch]) + [.ifNoneMatch, .ifUnmodifiedSince]
        guard let name = names.first(where: { !request.headers[values: $0].isEmpty })
        else { return }
        throw Problem.invalid(
            name.rawName,
            "this endpoint can't hold to it, and a write that isn't guarded as you ask isn't done")
    }

    /// Who waits gives its place among the working ones back meanwhile, and waits no longer than its client.
    private func waitForRevision(_ call: EdgeCall, on channel: any Channel) async throws {
        let values = call.query.values("min_revision")
        guard !values.isEmpty else { return }
        var reader = QueryReader(call.query)
        guard let asked = reader.revision("min_revision") else {
            throw Problem.invalid(reader.problems)
        }
        let position = try node.lookups.position()
        guard try position.revision < asked.checked(in: position.epoch) else { return }
        try call.permit.move(to: .wait)
        try await ClientPresence.whileThere(on: channel) { [node, options] in
            try await node.lookups.wait(for: asked, within: options.revisionWait)
        }
        try call.permit.move(to: loadClass(of: call.request))
    }

    // MARK: After the handler

    private func problem(for error: any Error, _ logger: Logger, id: RequestID) -> Problem {
        switch error {
        case let problem as Problem: return problem
        case let error as RegistryError:
            if [.inconsistent, .storeFailed, .backupFailed].contains(error) {
                logger.error(
                    "request failed",
                    metadata: ["request_id": "\(id.text)", "code": "\(error.code)"])
            }
            return node.problem(error)
        case is CancellationError: return Problem(.overloaded)
        default:
            logger.error(
                "request failed", metadata: ["request_id": "\(id.text)", "error": "\(error)"])
            return .internalError
        }
    }

    /// - Parameter channel: of a long answer.
    private func finish(
        _ response: EndpointResponse, _ request: Request, id: RequestID,
        on channel: (any Channel)? = nil
    ) -> Response {
        var headers = response.headers
        headers[.xRequestID] = id.text
        if let position = node.lookups.state.table.position {
            var read = position
            if let revision = response.revision { read.revision = revision }
            if let epoch = response.epoch { read.epoch = epoch }
            headers[.xRegistryRevision] = read.description
        }
        // RFC 9110 §8.6: neither may carry a length of its own here.
        let isBodyless = response.status == .noContent || response.status == .notModified
        let isStream = response.stream != nil
        headers[.contentLength] = isBodyless || isStream ? nil : String(response.body.count)
        let isHeadOnly = request.method == .head || isBodyless
        // As at GET, whose body has no length before it ends. `ConnectionGuard` knows it by this.
        if isStream, isHeadOnly { headers[.transferEncoding] = "chunked" }
        var response = Response(
            status: response.status, headers: headers,
            body: isHeadOnly ? .init() : response.content(on: channel))
        // `Response` adds a length of zero where there is none.
        response.headers[.contentLength] = headers[.contentLength]
        return response
    }
}

extension EndpointResponse {
    /// The reads of a long answer end when its client goes.
    fileprivate func content(on channel: (any Channel)?) -> ResponseBody {
        guard let stream else {
            return body.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: body))
        }
        return ResponseBody { writer in
            let sent = ClientPresence.LastWrite()
            var reader: ReaderPresence?
            if let channel, let client = await ClientPresence.of(channel) {
                reader = ReaderPresence { client.isThere(lastSent: sent.time) }
            }
            try await ReaderPresence.$current.withValue(reader) {
                try await stream {
                    try await writer.write(ByteBuffer(bytes: $0))
                    sent.note()
                }
            }
            try await writer.finish(nil)
        }
    }
}
