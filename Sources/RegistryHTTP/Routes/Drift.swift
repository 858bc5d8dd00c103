import HTTPTypes
import Hummingbird
import NIOCore
import NIOPosix
import RegistryAPI
import RegistryModel
import RegistryService

/// `POST /v1/drift`: what a location really has, held against the registry.
///
/// The list is read as it comes, and the answer begins when it's over, so that what is wrong with it has its status.
/// Where findings are many it begins before, and goes on beside the list: what goes wrong then breaks it off, without
/// the last line.
struct DriftRoutes: Sendable {
    /// Bytes of findings that wait for the end of the list.
    private static let waitingFindings = 1_048_576
    /// Bytes that are written at once.
    private static let pieceSize = 65_536

    @Sendable func compare(_ call: RegistryCall) async throws -> EndpointResponse {
        var query = QueryReader(call.query)
        let location = query.value("location", "a location's name") { LocationName($0) }
        if call.query.values("location").isEmpty {
            query.refuse("location", "required", "the location that the list is of is expected")
        }
        try query.finish()
        guard let location else { throw Problem.internalError }
        let format = try Self.format(of: call.request)
        let service = call.service
        // It looks at every name: not on a thread that others' requests need.
        let comparison = try await NIOThreadPool.singleton.runIfActive {
            try service.drift(of: location)
        }
        let answer = DriftAnswer(comparison, list: call.request.body, format)
        let first = try await answer.next(atLeast: Self.waitingFindings)
        var response = EndpointResponse(revision: comparison.position.revision)
        response.epoch = comparison.position.epoch
        response.headers[.contentType] = MediaType.ndjson.rawValue
        response.headers[.cacheControl] = "no-store"
        response.stream = { write in
            var lines = first
            while let ready = lines {
                try await write(ready)
                lines = try await answer.next(atLeast: Self.pieceSize)
            }
        }
        return response
    }

    private static func format(of request: Request) throws -> NameListFormat {
        let type = ContentNegotiation.plainType(of: request.headers)
        guard let format = NameListFormat.allCases.first(where: { $0.type.rawValue == type }) else {
            let names = NameListFormat.allCases.map(\.type.rawValue).joined(separator: ", ")
            throw Problem(
                .unsupportedMediaType, "unsupported-media-type",
                "send one of \(names) in UTF-8, not compressed")
        }
        return format
    }
}

/// An answer that is made from a list on its way in, a piece after the other.
private actor DriftAnswer {
    private enum Stage { case list, missing, told }

    private var comparison: DriftComparison
    private var pieces: RequestBody.AsyncIterator
    private var list: NameListReader
    private var stage = Stage.list
    private var lines: [UInt8] = []

    /// Missing names that are told in one step.
    private static let step = 1_000

    init(_ comparison: DriftComparison, list body: RequestBody, _ format: NameListFormat) {
        self.comparison = comparison
        pieces = body.makeAsyncIterator()
        list = NameListReader(format)
    }

    /// The lines that come next; nil behind the last one.
    ///
    /// - Parameter size: bytes; fewer only at the end.
    func next(atLeast size: Int) async throws -> [UInt8]? {
        while lines.count < size, stage != .told {
            switch stage {
            case .list: try await readList()
            case .missing: tellMissing()
            case .told: break
            }
        }
        guard !lines.isEmpty else { return nil }
        defer { lines = [] }
        return lines
    }

    private func readList() async throws {
        var pieces = pieces
        let piece = try await pieces.next(isolation: self)
        self.pieces = pieces
        guard let piece else { return try await endList() }
        // Swift's typed throws don't go through this closure; a Result does.
        let result = piece.withUnsafeReadableBytes { bytes in
            Result { () throws(NameListFault) in try list.read(bytes) { take($0) } }
        }
        try Self.check(result)
    }

    private func endList() async throws {
        // A cancelled task sees the end of a list that has none yet.
        try Task.checkCancellation()
        try Self.check(Result { () throws(NameListFault) in try list.finish { take($0) } })
        stage = .missing
        let comparison = comparison
        try await NIOThreadPool.singleton.runIfActive { comparison.endList() }
    }

    private static func check(_ result: Result<Void, NameListFault>) throws {
        if case .failure(let fault) = result {
            throw Problem(.badRequest, "invalid-list", fault.description)
        }
    }

    private func take(_ entry: ListedName) {
        switch entry {
        case .name(let text): comparison.take(text) { lines.appendEntry($0, $1, $2) }
        case .unreadable(let text): comparison.refuse(text) { lines.appendEntry($0, $1, $2) }
        }
    }

    private func tellMissing() {
        let isMore = comparison.takeMissing(atMost: Self.step) { lines.appendEntry($0, $1, $2) }
        guard !isMore else { return }
        let summary = DriftSummary(
            counts: comparison.counts, revision: comparison.position.revision)
        lines.appendJSON { summary.write(to: &$0) }
        lines.append(0x0A)
        stage = .told
    }
}

extension [UInt8] {
    fileprivate mutating func appendEntry(
        _ name: UnsafeRawBufferPointer, _ finding: DriftFinding, _ registered: LocationName?
    ) {
        appendJSON { $0.writeDriftEntry(name, finding, registered: registered) }
        append(0x0A)
    }
}
