import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import RegistryAPI
import RegistryModel
import Testing

/// One server-sent event.
struct Event: Sendable, Equatable {
    var id: String?
    var name: String?
    var data: String

    var page: FeedPage {
        get throws { try FeedPage(parsing: Array(data.utf8)) }
    }

    var heartbeat: Heartbeat? {
        name == "heartbeat" ? try? Heartbeat(parsing: Array(data.utf8)) : nil
    }
}

/// Reads a stream of events, as they come.
struct EventReader {
    private var body: HTTPClientResponse.Body.AsyncIterator
    private var text = Data()
    /// Where to go on looking for the end of an event.
    private var scanned = 0
    let headers: HTTPHeaders

    init(_ response: HTTPClientResponse) {
        headers = response.headers
        body = response.body.makeAsyncIterator()
    }

    /// - Returns: nil at the stream's end.
    mutating func next() async throws -> Event? {
        while true {
            if let end = text.range(of: Data("\n\n".utf8), in: scanned..<text.count) {
                let lines = text[..<end.lowerBound].split(separator: UInt8(ascii: "\n"))
                text = Data(text[end.upperBound...])
                scanned = 0
                return Self.event(lines.map { String(decoding: $0, as: UTF8.self) })
            }
            scanned = max(0, text.count - 1)
            guard let more = try await body.next() else { return nil }
            text += Data(more.readableBytesView)
        }
    }

    /// The next event that isn't a heartbeat.
    mutating func nextPage() async throws -> FeedPage? {
        while let event = try await next() {
            if event.name == nil { return try event.page }
        }
        return nil
    }

    mutating func nextHeartbeat() async throws -> Heartbeat? {
        while let event = try await next() {
            if let heartbeat = event.heartbeat { return heartbeat }
        }
        return nil
    }

    private static func event(_ lines: [String]) -> Event {
        var event = Event(data: "")
        for line in lines {
            let parts = line.split(separator: ":", maxSplits: 1)
            let value = parts.count == 2 ? String(parts[1].dropFirst()) : ""
            switch parts.first {
            case "id": event.id = value
            case "event": event.name = value
            case "data": event.data += value
            default: Issue.record("a strange line: \(line)")
            }
        }
        return event
    }
}

extension RunningRegistry {
    /// Opens a stream of events.
    func events(
        _ query: String = "", lastEventID: String? = nil,
        at place: SourceLocation = #_sourceLocation
    ) async throws -> EventReader {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/v1/changes\(query)")
        request.headers.add(name: "Authorization", value: "Bearer \(token(.reader))")
        request.headers.add(name: "Accept", value: "text/event-stream")
        if let lastEventID { request.headers.add(name: "Last-Event-ID", value: lastEventID) }
        let response = try await client.execute(request, timeout: .minutes(5))
        try #require(response.status == .ok, sourceLocation: place)
        return EventReader(response)
    }

    func page(
        after: Int64, _ more: String = "", at place: SourceLocation = #_sourceLocation
    ) async throws -> FeedPage {
        let answer = try await get(
            "/v1/changes?after=\(after)\(more)", as: .role(.reader), at: place)
        try #require(answer.status == 200, sourceLocation: place)
        return try FeedPage(parsing: answer.bytes)
    }
}
