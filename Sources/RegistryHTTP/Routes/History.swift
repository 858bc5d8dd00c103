import HTTPTypes
import RegistryAPI
import RegistryModel
import RegistryService

/// `/v1/history` and a domain's own history: a page as JSON, or all that the filters select as a
/// stream.
struct HistoryRoutes: Sendable {
    static let types = EndpointID.listHistory.declaration.produces

    @Sendable func global(_ call: RegistryCall) async throws -> EndpointResponse {
        try await answer(call, of: nil)
    }

    @Sendable func ofDomain(_ call: RegistryCall) async throws -> EndpointResponse {
        try await answer(call, of: call.fqdn())
    }

    private func answer(_ call: RegistryCall, of fqdn: FQDN?) async throws -> EndpointResponse {
        let type = ContentNegotiation.choice(of: Self.types, call.request.headers) ?? .json
        var query = QueryReader(call.query)
        var filter = HistoryQuery(fqdn: fqdn)
        filter.actor = query.text("actor")
        filter.action = query.choice("action", Action.self)
        filter.migration = query.text("migration")
        filter.location = query.value("location", "a location's name") { LocationName($0) }
        filter.since = query.time("since")
        filter.until = query.time("until")
        let after = query.revision("after")
        filter.afterRevision = try after?.checked(in: call.epoch())
        filter.order = query.choice("order", HistoryQuery.Order.self) ?? .descending
        let isForSpreadsheet = query.isForSpreadsheet(only: type == .csv)
        let response =
            type == .json
            ? try await page(call, filter, &query)
            : try await HistoryStream(filter, &query, call.service).response(
                type, forSpreadsheet: isForSpreadsheet)
        return response.with(.vary, "Accept")
    }

    private func page(
        _ call: RegistryCall, _ filter: HistoryQuery, _ query: inout QueryReader
    ) async throws -> EndpointResponse {
        var filter = filter
        filter.limit = query.limit()
        let cursor = query.text("cursor")
        try query.finish()
        let epoch = try call.epoch()
        filter.after = try cursor.map { try Cursor.place($0, in: epoch) }
        let read = try await call.service.history(filter)
        if read.value.items.isEmpty { try await call.service.checkHasHistory(filter.fqdn) }
        return call.list(read, as: HistoryEntry.init) {
            Cursor.key(.init(revision: $0.header.revision, position: $0.position), in: epoch)
        }
    }
}

/// `/v1/history/head` and `/v1/history/verify`: what vouches for the log, and whether it does.
struct HistoryHeadRoutes: Sendable {
    static let types = EndpointID.verifyHistory.declaration.produces

    @Sendable func head(_ call: RegistryCall) async throws -> EndpointResponse {
        try QueryReader(call.query).finish()
        let head = try await call.service.head()
        return .json(HistoryHead(head), at: head.revision)
    }

    @Sendable func verify(_ call: RegistryCall) async throws -> EndpointResponse {
        var query = QueryReader(call.query)
        let noted = query.value("expect", "REVISION:DIGEST, as 48211:sha256:9f86…,") {
            NotedDigest($0)
        }
        try query.finish()
        try call.service.checkNoVerificationRuns()
        let type = ContentNegotiation.choice(of: Self.types, call.request.headers) ?? .json
        // HEAD asks whether the endpoint is there, not for minutes of work.
        let response =
            if call.request.method == .head || type == .ndjson {
                stream(call.service, noted, type)
            } else {
                try await answer(call.service, noted)
            }
        return response.with(.vary, "Accept")
    }

    private func answer(_ service: RegistryService, _ noted: NotedDigest?) async throws
        -> EndpointResponse
    {
        let result = try await service.verify(noted)
        return .json(VerificationResponse(result), at: result.revision)
    }

    /// Lines that tell how far it is, and the result in the last one. No more than one line lies ready:
    /// a slow reader misses some.
    private func stream(
        _ service: RegistryService, _ noted: NotedDigest?, _ type: MediaType
    ) -> EndpointResponse {
        var response = EndpointResponse(headers: [.contentType: type.rawValue])
        response.stream = { write in
            let (steps, step) = AsyncStream.makeStream(
                of: VerificationProgress.self, bufferingPolicy: .bufferingNewest(1))
            async let result = Self.run(service, noted, step)
            var told = ContinuousClock.now - Self.interval
            var untold: VerificationProgress?
            for await progress in steps {
                untold = progress
                guard told.duration(to: .now) >= Self.interval else { continue }
                (told, untold) = (.now, nil)
                try await write(progress.json + [0x0A])
            }
            if let untold { try await write(untold.json + [0x0A]) }
            try await write(VerificationResponse(result).json + [0x0A])
        }
        return response
    }

    /// Between two lines, at least.
    private static let interval = Duration.milliseconds(200)

    private static func run(
        _ service: RegistryService, _ noted: NotedDigest?,
        _ step: AsyncStream<VerificationProgress>.Continuation
    ) async throws -> Verification {
        defer { step.finish() }
        return try await service.verify(noted) { step.yield($0) }
    }
}

/// History as NDJSON or CSV, of any size: read page by page as fast as the client takes it, up to the
/// head at which it began.
struct HistoryStream: Sendable {
    private let service: RegistryService
    private let query: HistoryQuery
    /// Items to send at most.
    private let limit: Int

    /// More than a page of a list: so each is read as a part of something long.
    private static let pageSize = 2000

    /// Reads the parameters that a stream has, and no others: it has no pages to turn.
    init(_ filter: HistoryQuery, _ query: inout QueryReader, _ service: RegistryService) throws {
        limit =
            query.value("limit", "a number of 1 or more") { text in
                Int(text).flatMap { $0 >= 1 ? $0 : nil }
            } ?? .max
        if query.text("cursor") != nil {
            query.refuse("cursor", "conflict", "a stream has no pages; send after instead")
        }
        try query.finish()
        self.service = service
        self.query = filter
    }

    func response(_ type: MediaType, forSpreadsheet: Bool) async throws -> EndpointResponse {
        var query = query
        let head = try await service.head()
        query.through = head.revision
        // The first page comes before the head of the answer: what is refused gets its status.
        let first = try await page(query, rest: limit)
        if first.items.isEmpty { try await service.checkHasHistory(query.fqdn) }
        var response = EndpointResponse(revision: head.revision)
        response.headers[.contentType] =
            type == .csv ? "text/csv; charset=utf-8; header=present" : type.rawValue
        response.stream = { [self, query] write in
            var (query, page, rest) = (query, first, limit)
            if type == .csv {
                try await write(
                    CSV.header(HistoryEntry.tableColumns, forSpreadsheet: forSpreadsheet))
            }
            while let last = page.items.last {
                try await write(
                    type == .csv
                        ? Self.csv(page.items, forSpreadsheet) : Self.ndjson(page.items))
                rest -= page.items.count
                guard page.hasMore, rest > 0 else { return }
                query.after = .init(revision: last.header.revision, position: last.position)
                page = try await self.page(query, rest: rest)
            }
        }
        return response
    }

    private func page(
        _ query: HistoryQuery, rest: Int
    ) async throws(RegistryError) -> Page<HistoryItem> {
        var query = query
        query.limit = min(rest, Self.pageSize)
        return try await service.history(query).value
    }

    private static func ndjson(_ items: [HistoryItem]) -> [UInt8] {
        var writer = JSONWriter()
        for item in items {
            HistoryEntry(item).write(to: &writer)
            writer.endLine()
        }
        return writer.finish()
    }

    private static func csv(_ items: [HistoryItem], _ forSpreadsheet: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        for item in items {
            HistoryEntry(item).append(
                HistoryEntry.tableColumns, forSpreadsheet: forSpreadsheet, to: &bytes)
        }
        return bytes
    }
}
