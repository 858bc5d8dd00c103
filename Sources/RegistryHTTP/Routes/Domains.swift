import HTTPTypes
import RegistryAPI
import RegistryModel
import RegistryService

/// `/v1/domains` and what lies below it.
struct DomainRoutes: Sendable {
    let settings: LookupSettings
    private let metrics = LookupMetrics()

    init(_ options: HTTPOptions) {
        settings = LookupSettings(options)
    }

    @Sendable func get(_ call: RegistryCall) async throws -> EndpointResponse {
        try await get(call.edge) { fqdn, moment in
            let revision = try await moment.revision(of: call)
            return Read(
                try await call.service.lookUp(fqdn, at: revision), at: revision,
                of: try call.epoch())
        }
    }

    @Sendable func getNow(_ call: EdgeCall) async throws -> EndpointResponse {
        try await get(call) { _, moment in try moment.refuse(call) }
    }

    private func get(_ call: EdgeCall, past: PastReader<FQDN, Domain>) async throws
        -> EndpointResponse
    {
        var query = QueryReader(call.query)
        let moment = PointInTime(&query)
        try query.finish()
        do {
            let fqdn = try call.fqdn()
            let read =
                if let moment {
                    try await past(fqdn, moment)
                } else {
                    try call.lookups.lookUp(fqdn)
                }
            metrics.found.increment()
            return try read.response(to: call, settings)
        } catch let error as RegistryError {
            metrics.count(error)
            throw error
        }
    }

    @Sendable func list(_ call: RegistryCall) async throws -> EndpointResponse {
        var query = QueryReader(call.query)
        var page = DomainQuery(DomainFilter(DomainFilterMember.ofLists, from: &query))
        page.limit = query.limit()
        let state = query.choice("state", HeldDomain.State.self)
        let moment = PointInTime(&query)
        if state != nil, moment != nil {
            query.refuse(
                "state", "conflict", "holds are listed as they are now, not as of then")
        }
        let cursor = query.text("cursor")
        try query.finish()
        if state == .held {
            page.after = try cursor.map(Cursor.name(_:))
            return call.list(try await call.service.holds(page)) { $0.fqdn.text }
        }
        if let moment { return try await list(call, page, cursor, at: moment) }
        page.after = try cursor.map(Cursor.name(_:))
        let read = try await call.service.domains(page)
        return call.list(read) { $0.fqdn.text }
    }

    /// The cursor keeps the revision: a time that is now can see one more before the next page.
    private func list(
        _ call: RegistryCall, _ page: DomainQuery, _ cursor: String?, at moment: PointInTime
    ) async throws -> EndpointResponse {
        var page = page
        var position = Position(
            epoch: try call.epoch(), revision: try await moment.revision(of: call))
        if let cursor {
            let (then, name) = try Cursor.name(at: cursor, in: position.epoch)
            let isFixed = if case .revision = moment { true } else { false }
            guard then <= position.revision, !isFixed || then == position.revision else {
                throw RegistryError.invalidCursor
            }
            position.revision = then
            page.after = name
        }
        let read = try await call.service.domains(page, at: position.revision)
        return call.list(read) { [position] in Cursor.key($0.fqdn, at: position) }
    }

    @Sendable func register(_ call: RegistryCall) async throws -> EndpointResponse {
        if let replay = call.replay { return .registered(replay, in: try call.epoch()) }
        let request: DomainRegistration = try call.read()
        let domain = try request.placement.newDomain(
            RegistryCall.fqdn(request.fqdn), allowsNested: request.allowsNested,
            allowsSplit: request.allowsSplit)
        let context = call.writing(request.note)
        let committed =
            if let seconds = request.holdSeconds {
                try await call.service.hold(domain, for: .seconds(seconds), context)
            } else {
                try await call.service.register(domain, context)
            }
        return .registered(committed, in: try call.epoch())
    }

    @Sendable func activate(_ call: RegistryCall) async throws -> EndpointResponse {
        if let replay = call.replay { return .changed(replay, in: try call.epoch()) }
        let fqdn = try call.fqdn()
        let note: Note = call.body.isEmpty ? Note() : try call.read()
        let committed = try await call.service.activate(fqdn, call.writing(note))
        return .changed(committed, in: try call.epoch())
    }

    @Sendable func availability(_ call: RegistryCall) async throws -> EndpointResponse {
        try QueryReader(call.query).finish()
        let read = try await call.service.availability(of: call.fqdn())
        return .json(AvailabilityResponse(read.value), at: read.revision)
    }

    @Sendable func change(_ call: RegistryCall) async throws -> EndpointResponse {
        if let replay = call.replay { return .changed(replay, in: try call.epoch()) }
        let fqdn = try call.fqdn()
        let request: DomainChangeRequest = try call.read()
        let patch = request.placement.patch(
            clearing: request.cleared, allowsNested: request.allowsNested,
            allowsSplit: request.allowsSplit)
        let committed = try await call.service.change(
            fqdn, patch, ifMatch: call.ifMatch(), call.writing(request.note))
        return .changed(committed, in: try call.epoch())
    }

    @Sendable func release(_ call: RegistryCall) async throws -> EndpointResponse {
        if let replay = call.replay { return .done(replay) }
        let note = try call.noteOfDelete()
        let committed = try await call.service.release(
            call.fqdn(), ifMatch: call.ifMatch(), call.writing(note))
        return .done(committed)
    }

    @Sendable func restore(_ call: RegistryCall) async throws -> EndpointResponse {
        if let replay = call.replay { return .changed(replay, in: try call.epoch()) }
        let fqdn = try call.fqdn()
        let request = call.body.isEmpty ? Restoration() : try call.read()
        let committed = try await call.service.restore(
            fqdn, allowsNested: request.allowsNested, allowsSplit: request.allowsSplit,
            call.writing(request.note))
        return .changed(committed, in: try call.epoch())
    }
}

extension AvailabilityResponse {
    fileprivate init(_ availability: Availability) {
        let refusal = availability.refusal
        self.init(
            fqdn: availability.fqdn, isAvailable: refusal == nil, code: refusal?.code)
        switch refusal {
        case .domainQuarantined(_, let time), .domainHeld(_, let time): availableAt = time
        default: break
        }
        if case .nameEntangled(_, let other) = refusal { entangledWith = other }
    }
}

extension Read<Domain> {
    /// The domain, or 304 where the caller has it.
    fileprivate func response(to call: EdgeCall, _ settings: LookupSettings) throws
        -> EndpointResponse
    {
        let epoch = try epoch ?? call.epoch()
        let tag = Position(epoch: epoch, revision: value.revision)
        let response = LookupResponse.domain(
            value.revision, isKnown: call.isNotModified(since: tag),
            isFenced: call.lookups.isFenced(value.fence),
            at: Position(epoch: epoch, revision: revision))
        return EndpointResponse(response, settings, body: response.hasBody ? value.json : [])
    }
}

extension EndpointResponse {
    static func domain(
        _ domain: Domain, status: HTTPResponse.Status = .ok, at position: Position
    ) -> EndpointResponse {
        let tag = Position(epoch: position.epoch, revision: domain.revision)
        return EndpointResponse.json(domain, status: status, at: position.revision).of(
            position.epoch
        )
        .with(.eTag, EntityTag.text(tag))
    }

    /// A new domain, or a name that is held, which has no page of its own yet.
    static func registered(_ committed: Committed, in epoch: Epoch) -> EndpointResponse {
        let position = committed.position(in: epoch)
        switch committed.outcome {
        case .domain(let domain):
            return EndpointResponse.domain(domain, status: .created, at: position)
                .with(.location, EndpointID.getDomain.path(domain.fqdn.text)).noting(committed)
        case .held(let held):
            let tag = Position(epoch: epoch, revision: held.revision)
            return EndpointResponse.json(held, status: .created, at: position.revision).of(epoch)
                .with(.eTag, EntityTag.text(tag)).noting(committed)
        default: return .mismatch
        }
    }

    static func changed(_ committed: Committed, in epoch: Epoch) -> EndpointResponse {
        guard case .domain(let domain) = committed.outcome else { return .mismatch }
        return EndpointResponse.domain(domain, at: committed.position(in: epoch)).noting(committed)
    }

    /// What leaves nothing to show.
    static func done(_ committed: Committed) -> EndpointResponse {
        EndpointResponse.empty(.noContent, at: committed.revision).noting(committed)
    }

    /// A stored answer of another kind of command: the digest of the request rules that out.
    static let mismatch = EndpointResponse(
        status: .internalServerError, headers: [.contentType: Problem.contentType],
        body: Problem.internalError.body(instance: nil, requestID: ""))

    func noting(_ committed: Committed) -> EndpointResponse {
        committed.isReplay ? with(.idempotencyReplayed, "true") : self
    }
}

extension Committed {
    fileprivate func position(in epoch: Epoch) -> Position {
        Position(epoch: epoch, revision: revision)
    }
}

/// `POST /v1/domains/batch`
struct BatchRoutes: Sendable {
    @Sendable func register(_ call: RegistryCall) async throws -> EndpointResponse {
        let request: BatchRegistration = try call.read()
        var names: [String] = []
        let rows = request.domains.map { row in
            let parsed = Result { () throws(RegistryError) in
                try row.placement.newDomain(
                    RegistryCall.fqdn(row.fqdn), allowsNested: request.allowsNested,
                    allowsSplit: request.allowsSplit)
            }
            names.append((try? parsed.get().fqdn.text) ?? row.fqdn)
            return parsed
        }

        let committed =
            if let replay = call.replay { replay } else {
                try await call.service.registerBatch(rows, call.writing(request.note))
            }
        guard case .batch(let refused) = committed.outcome else { return .mismatch }
        let results = names.enumerated().map { BatchResponse.Row(fqdn: $1, code: refused[$0]) }
        return EndpointResponse.json(
            BatchResponse(revision: committed.revision, results: results), at: committed.revision
        ).noting(committed)
    }
}
