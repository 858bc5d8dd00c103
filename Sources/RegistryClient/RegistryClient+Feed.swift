import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import RegistryAPI
import RegistryModel

/// What the stream of changes tells.
package enum FeedEvent: Sendable {
    /// The answer has begun.
    case opened
    /// The changes since the last page are these revisions, whole.
    case page(FeedPageBounds)
    case heartbeat(Heartbeat)
}

extension RegistryClient {
    /// Hears every change after a revision, for as long as the server sends them.
    ///
    /// As a stream of events and not by long polls: a revision is on its way as soon as it's committed,
    /// not after the next question, and heartbeats tell a quiet registry from a dead one.
    ///
    /// - Parameter change: called with each change as it comes. What isn't followed by its page has no meaning:
    ///   the stream broke off.
    /// - Throws: `ClientError.refused` with status 410 where what follows can't be had.
    package func followChanges(
        after position: Position, change: (FeedChange) throws -> Void,
        _ receive: (FeedEvent) async throws -> Void
    ) async throws {
        var stream = EventStreamParser()
        var page = FeedPageReader()
        var heartbeat: [UInt8] = []
        _ = try await self.stream(
            .listChanges,
            query: [
                ("after", String(position.revision.number)), ("epoch", position.epoch.text),
            ],
            accept: .eventStream, opened: { try await receive(.opened) }
        ) { piece in
            var piece = piece
            while let part = try stream.next(in: &piece) {
                switch part {
                case .data(let bytes, of: "heartbeat"):
                    heartbeat += bytes.readableBytesView
                    guard heartbeat.count <= Self.longestHeartbeat else {
                        throw ClientError.unreadable("a heartbeat is too long")
                    }
                case .end(of: "heartbeat"):
                    defer { heartbeat = [] }
                    try await receive(.heartbeat(Heartbeat(parsing: heartbeat)))
                case .data(let bytes, of: "changes"), .data(let bytes, of: "message"),
                    .data(let bytes, of: ""):
                    try bytes.withUnsafeReadableBytes { try page.take($0, change) }
                case .end(of: "changes"), .end(of: "message"), .end(of: ""):
                    defer { page = FeedPageReader() }
                    try await receive(.page(page.finish()))
                // A name that a later version may have is nothing that this one misses.
                case .data, .end: continue
                }
            }
        }
    }

    private static let longestHeartbeat = 1 << 16

    /// Reads the whole table, line by line.
    ///
    /// - Parameters:
    ///   - begin: called with the first line.
    ///   - receive: called with each domain. Whether there are as many as the header says, and
    ///     whether they add up to its digest, is the caller's to see.
    package func snapshot(
        _ begin: (SnapshotHeader) async throws -> Void,
        _ receive: (Domain) async throws -> Void
    ) async throws {
        var lines = LineSplitter()
        var domains = SnapshotLines()
        var hasBegun = false
        _ = try await stream(.getSnapshot, accept: .ndjson) {
            piece in
            for line in lines.lines(in: piece) {
                if hasBegun {
                    try await receive(domains.domain(line))
                } else {
                    try await begin(SnapshotHeader(parsing: line))
                    hasBegun = true
                }
            }
        }
        guard hasBegun, lines.waiting == 0 else {
            throw ClientError.unreadable("the snapshot ends in the middle of a line")
        }
    }

    /// What an agent has applied, said by asking for what follows: registries that are older than
    /// `PUT /v1/agents/{name}` know nothing else.
    package func reportByAsking(_ applied: Position?, as name: String) async throws {
        var request = HTTPClientRequest(
            url: url(
                EndpointID.listChanges.path(),
                [
                    ("after", applied.map { String($0.revision.number) }),
                    ("epoch", applied?.epoch.text),
                    ("agent", name), ("wait", "0"), ("limit", "1"),
                ]))
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        request.headers.add(name: "Accept", value: "application/json")
        do {
            let response = try await http.execute(request, timeout: .seconds(10))
            // The answer may hold a whole wave, which comes by the stream: that the question was heard
            // is enough. What isn't taken ends its connection.
            let body = (try? await response.body.collect(upTo: 16 * 1024)) ?? ByteBuffer()
            guard response.status != .ok else { return }
            throw ClientError.refused(
                Refusal(
                    Answer(
                        status: Int(response.status.code), headers: response.headers, body: body)))
        } catch let error as ClientError {
            throw error
        } catch {
            throw ClientError.unreachable("\(place): \(Self.reason(error))")
        }
    }
}
