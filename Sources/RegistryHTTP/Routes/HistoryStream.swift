import HTTPTypes
import RegistryAPI
import RegistryModel
import RegistryService

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
        var bytes: [UInt8] = []
        for item in items {
            bytes.appendJSON { HistoryEntry(item).write(to: &$0) }
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }

    private static func csv(_ items: [HistoryItem], _ forSpreadsheet: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        for item in items {
            CSV.append(
                HistoryEntry(item), HistoryEntry.tableColumns, forSpreadsheet: forSpreadsheet,
                to: &bytes)
        }
        return bytes
    }
}
