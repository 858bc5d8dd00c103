import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import RegistryAPI
import RegistryModel

extension RegistryClient {
    /// All of history that the filter selects, as the server writes it, however much it is.
    ///
    /// - Parameters:
    ///   - fqdn: one domain's history; nil: everything.
    ///   - receive: called with each piece in turn; the server waits for it.
    /// - Returns: what the answer was read at.
    @discardableResult
    package func history(
        of fqdn: String?, filter: [(String, String?)], as type: MediaType,
        _ receive: (ByteBuffer) async throws -> Void
    ) async throws -> Position? {
        try await stream(
            fqdn == nil ? .listHistory : .getDomainHistory, fqdn ?? "", query: filter,
            accept: type, receive)
    }

    /// The same, line by line and read.
    @discardableResult
    package func historyItems(
        of fqdn: String?, filter: [(String, String?)],
        _ receive: (HistoryEntry, _ line: [UInt8]) async throws -> Void
    ) async throws -> Position? {
        var lines = LineSplitter()
        let position = try await history(of: fqdn, filter: filter, as: .ndjson) { piece in
            for line in lines.lines(in: piece) {
                try await receive(try Self.read(line, HistoryEntry.init(json:)), line)
            }
        }
        return position
    }

    package func historyHead() async throws -> HistoryHead {
        try await send(.getHistoryHead).decode()
    }

    /// - Parameters:
    ///   - noted: `REVISION:DIGEST`.
    ///   - receive: called with each line that tells how far the check is.
    /// - Returns: the last line: what the check found.
    package func verify(
        expecting noted: String?, _ receive: (VerificationProgress) -> Void
    ) async throws -> VerificationResponse {
        var lines = LineSplitter()
        var result: VerificationResponse?
        _ = try await stream(
            .verifyHistory, query: [("expect", noted)], accept: .ndjson
        ) { piece in
            for line in lines.lines(in: piece) {
                switch try Self.read(line, VerificationLine.init(json:)) {
                case .progress(let progress): receive(progress)
                case .result(let read): result = read
                }
            }
        }
        guard let result else { throw ClientError.unreadable("it ends without a result") }
        return result
    }

    static func read<Value>(
        _ line: [UInt8], _ read: ([UInt8]) throws(FeedFormatError) -> Value
    ) throws(ClientError) -> Value {
        do throws(FeedFormatError) {
            return try read(line)
        } catch {
            throw .unreadable("\(error)")
        }
    }

    /// One answer of any size. No limit in time: it takes as long as it takes.
    ///
    /// - Parameters:
    ///   - list: a body of any size, and what it is.
    ///   - opened: called when the answer begins.
    func stream(
        _ id: EndpointID, _ parameters: String..., query: [(String, String?)] = [],
        sending list: (body: HTTPClientRequest.Body, type: MediaType)? = nil,
        accept type: MediaType,
        opened: () async throws -> Void = {},
        _ receive: (ByteBuffer) async throws -> Void
    ) async throws -> Position? {
        try await stream(
            HTTPMethod(rawValue: id.declaration.method.rawValue), url(id.path(parameters), query),
            sending: list.map { ($0.body, $0.type.rawValue) }, accept: type.rawValue,
            opened: opened, receive)
    }

    func stream(
        _ method: HTTPMethod, _ url: String,
        sending list: (body: HTTPClientRequest.Body, type: String)?,
        accept type: String, opened: () async throws -> Void = {},
        _ receive: (ByteBuffer) async throws -> Void
    ) async throws -> Position? {
        var request = HTTPClientRequest(url: url)
        request.method = method
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        request.headers.add(name: "Accept", value: type)
        if let list {
            request.headers.add(name: "Content-Type", value: list.type)
            request.body = list.body
        }
        let response: HTTPClientResponse
        do {
            response = try await http.execute(request, deadline: .distantFuture)
        } catch {
            throw ClientError.unreachable("\(place): \(Self.reason(error))")
        }
        guard response.status == .ok else {
            let body = try? await response.body.collect(upTo: 1 << 20)
            throw ClientError.refused(
                Refusal(
                    Answer(
                        status: Int(response.status.code), headers: response.headers,
                        body: body ?? ByteBuffer())))
        }
        try await opened()
        var pieces = response.body.makeAsyncIterator()
        while let piece = try await next(&pieces) { try await receive(piece) }
        return Position(response.headers)
    }

    private func next(
        _ pieces: inout HTTPClientResponse.Body.AsyncIterator
    ) async throws -> ByteBuffer? {
        do {
            return try await pieces.next()
        } catch {
            throw ClientError.unreachable("\(place): the answer broke off: \(Self.reason(error))")
        }
    }
}

/// Cuts what comes in pieces into lines.
package struct LineSplitter {
    private var rest: [UInt8] = []

    package init() {}

    /// Bytes of a line that isn't whole yet.
    var waiting: Int { rest.count }

    /// - Returns: the lines that are whole by now, without their ends.
    package mutating func lines(in piece: ByteBuffer) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var bytes = piece.readableBytesView[...]
        while let end = bytes.firstIndex(of: 0x0A) {
            lines.append(rest + bytes[..<end])
            rest = []
            bytes = bytes[bytes.index(after: end)...]
        }
        rest += bytes
        return lines
    }
}

extension RegistryClient {
    /// A copy of the whole store, piece by piece; the server waits for `receive`.
    ///
    /// - Returns: the epoch and revision that it's of.
    package func backup(_ receive: (ByteBuffer) async throws -> Void) async throws -> Position? {
        try await stream(.makeBackup, accept: .sqlite, receive)
    }
}
