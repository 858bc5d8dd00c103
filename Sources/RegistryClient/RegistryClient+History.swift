import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import RegistryAPI
import RegistryModel

extension RegistryClient {
    package enum StreamFormat: String, Sendable {
        case ndjson = "application/x-ndjson"
        case csv = "text/csv"
    }

    /// All of history that the filter selects, as the server writes it, however much it is.
    ///
    /// - Parameters:
    ///   - fqdn: one domain's history; nil: everything.
    ///   - receive: called with each piece in turn; the server waits for it.
    /// - Returns: what the answer was read at.
    @discardableResult
    package func history(
        of fqdn: String?, filter: [(String, String?)], as format: StreamFormat,
        _ receive: (ByteBuffer) async throws -> Void
    ) async throws -> ReadPosition {
        let path = fqdn.map { "/v1/domains/\(Self.escape($0))/history" } ?? "/v1/history"
        return try await stream(.GET, path, query: filter, accept: format.rawValue, receive)
    }

    /// The same, line by line and read.
    @discardableResult
    package func historyItems(
        of fqdn: String?, filter: [(String, String?)],
        _ receive: (HistoryResource, _ line: [UInt8]) async throws -> Void
    ) async throws -> ReadPosition {
        var lines = LineSplitter()
        let position = try await history(of: fqdn, filter: filter, as: .ndjson) { piece in
            for line in lines.lines(in: piece) { try await receive(try Self.decode(line), line) }
        }
        return position
    }

    package func historyHead() async throws -> HeadResource {
        try await send(.GET, "/v1/history/head").decode(HeadResource.self)
    }

    /// - Parameters:
    ///   - noted: `REVISION:DIGEST`.
    ///   - receive: called with each line that tells how far the check is.
    /// - Returns: the last line: what the check found.
    package func verify(
        expecting noted: String?, _ receive: (VerificationResource.Progress) -> Void
    ) async throws -> VerificationResource {
        var lines = LineSplitter()
        var result: VerificationResource?
        _ = try await stream(
            .GET, "/v1/history/verify", query: [("expect", noted)],
            accept: StreamFormat.ndjson.rawValue
        ) { piece in
            for line in lines.lines(in: piece) {
                let read: VerificationResource = try Self.decode(line)
                if let progress = read.progress { receive(progress) } else { result = read }
            }
        }
        guard let result else { throw ClientError.unreadable("it ends without a result") }
        return result
    }

    private static func decode<Value: Decodable>(_ line: [UInt8]) throws -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(line))
        } catch {
            throw ClientError.unreadable("\(error)")
        }
    }

    /// One answer of any size. No limit in time: it takes as long as it takes.
    ///
    /// - Parameter opened: called when the answer begins.
    func stream(
        _ method: HTTPMethod, _ path: String, query: [(String, String?)], accept: String,
        opened: () async throws -> Void = {},
        _ receive: (ByteBuffer) async throws -> Void
    ) async throws -> ReadPosition {
        var request = HTTPClientRequest(url: url(path, query))
        request.method = method
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        request.headers.add(name: "Accept", value: accept)
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
        return ReadPosition(response.headers)
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

/// What an answer was read at, from `X-Registry-Revision`.
package struct ReadPosition: Sendable, Equatable {
    package var epoch = ""
    package var revision: Int64 = 0

    init(_ headers: HTTPHeaders) {
        let text = headers.first(name: "X-Registry-Revision")
        guard let position = text.flatMap({ Position($0) }) else { return }
        epoch = position.epoch.text
        revision = position.revision.number
    }
}

/// Cuts what comes in pieces into lines.
struct LineSplitter {
    private var rest: [UInt8] = []

    /// Octets of a line that isn't whole yet.
    var waiting: Int { rest.count }

    /// - Returns: the lines that are whole by now, without their ends.
    mutating func lines(in piece: ByteBuffer) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var octets = piece.readableBytesView[...]
        while let end = octets.firstIndex(of: 0x0A) {
            lines.append(rest + octets[..<end])
            rest = []
            octets = octets[octets.index(after: end)...]
        }
        rest += octets
        return lines
    }
}
