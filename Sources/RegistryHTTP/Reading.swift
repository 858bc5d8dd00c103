import HTTPTypes
import RegistryAPI
import RegistryModel
import RegistryService

// What several resources read and write in the same way.

extension JSONObjectReader {
    /// Throws `invalid-request` with everything that is wrong with the body.
    mutating func finishOrThrow() throws {
        finish()
        guard problems.isEmpty else {
            throw RegistryHTTP.Problem.invalid(
                problems.map { FieldProblem(pointer: $0.pointer, code: $0.code, detail: $0.detail) }
            )
        }
    }
}

extension RegistryCall {
    /// A body that may hold `reason` and `ticket`, or not be there at all.
    func noteOnlyBody() throws -> Note {
        body.isEmpty ? Note() : try read()
    }

    /// A DELETE's `reason` and `ticket`. Not every client can send a body with it, so they stand in the query;
    /// who sends a body means it all the same, and must not be told that it's done while the reason is lost.
    func noteOfDelete() throws -> Note {
        var query = QueryReader(query)
        let asked = query.note()
        try query.finish()
        let sent = try noteOnlyBody()
        var problems: [FieldProblem] = []
        func one(_ name: String, _ asked: String?, _ sent: String?) -> String? {
            if let asked, let sent, asked != sent {
                problems.append(
                    FieldProblem(
                        pointer: "/\(name)", code: "conflict", detail: "the query has another one"))
            }
            return asked ?? sent
        }
        let note = Note(
            reason: one("reason", asked.reason, sent.reason),
            ticket: one("ticket", asked.ticket, sent.ticket))
        guard problems.isEmpty else { throw Problem.invalid(problems) }
        return note
    }

    /// A page as JSON, with a link to the next one.
    func list<Item, Listed: Shape>(
        _ read: Read<Page<Item>>, as shape: (Item) -> Listed, key: (Item) -> String
    ) -> EndpointResponse {
        let cursor = cursor(behind: read.value, key)
        let page = ListPage<Listed>.json(nextCursor: cursor) { writer in
            for item in read.value.items { shape(item).write(to: &writer) }
        }
        return linking(.json(page, at: read.revision), to: cursor)
    }

    /// - Parameter cursor: of the next page.
    func linking(_ response: EndpointResponse, to cursor: String?) -> EndpointResponse {
        guard let cursor else { return response }
        return response.with(.link, "<\(nextTarget(cursor))>; rel=\"next\"")
    }

    /// What the next page is asked for with; nil: there is none.
    func cursor<Item>(behind page: Page<Item>, _ key: (Item) -> String) -> String? {
        page.hasMore ? page.items.last.map { Cursor.encode(key($0)) } : nil
    }

    func list<Item: Shape>(_ read: Read<Page<Item>>, key: (Item) -> String) -> EndpointResponse {
        list(read, as: { $0 }, key: key)
    }

    /// This request's own target with another cursor, as a URL that a header can carry.
    private func nextTarget(_ cursor: String) -> String {
        let target = request.head.path ?? ""
        let path = target.prefix { $0 != "?" }
        let rest = target.dropFirst(path.count + 1).split(separator: "&").filter { pair in
            let name = pair.prefix { $0 != "=" }
            return PercentCoding.decode(name, plusIsSpace: true) != "cursor"
        }
        return PercentCoding.link(
            path + "?" + (rest + ["cursor=\(cursor)"]).joined(separator: "&"))
    }
}

/// Reads what was.
typealias PastReader<Subject, Value> = (Subject, PointInTime) async throws -> Read<Value>

/// As of when a read of the past is asked: `?at=<time>` or `?revision=<n>`.
enum PointInTime: Sendable {
    case time(Timestamp)
    case revision(NamedRevision)

    /// Reads the two parameters; `finish` of the reader tells what is wrong with them. Nil is now.
    init?(_ query: inout QueryReader) {
        let time = query.time("at")
        let revision = query.revision("revision")
        if time != nil, revision != nil {
            query.refuse("revision", "conflict", "send either at or revision")
        }
        guard let moment = revision.map(Self.revision) ?? time.map(Self.time) else { return nil }
        self = moment
    }

    /// - Throws: `unknownTime` for what nobody knows yet; `resync` for a revision of another epoch.
    func revision(of call: RegistryCall) async throws(RegistryError) -> Revision {
        switch self {
        case .time(let time): try await call.service.revision(at: time)
        case .revision(let revision): try revision.checked(in: call.epoch())
        }
    }

    /// An agent has no past to look into.
    /// - Throws: `needsRegistry`; `resync` for a revision of another epoch.
    func refuse(_ call: EdgeCall) throws(RegistryError) -> Never {
        if case .revision(let revision) = self { _ = try revision.checked(in: call.epoch()) }
        throw .needsRegistry
    }
}
