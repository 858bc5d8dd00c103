import AsyncHTTPClient
import Foundation
import NIOCore
import RegistryAPI
import RegistryClient
import RegistryModel
import Testing

/// Follows a server's feed across its deaths, and remembers what it was told, in order.
struct Follower: Sendable {
    enum Kind: Sendable, CaseIterable { case polls, events }

    /// A domain's change, as history could have it too.
    struct Line: Hashable, Sendable {
        var revision: Int64
        var fqdn: String
        var location: String?
        var mode: String?
        var tenant: String?
    }

    let kind: Kind
    private(set) var epoch: String?
    private(set) var revision: Int64 = 0
    private(set) var lines: [Line] = []
    private(set) var surprises: [String] = []
    /// How often it went on after a server had died.
    private(set) var resumptions = 0

    init(_ kind: Kind) {
        self.kind = kind
    }

    /// Reads until the server is gone, or until `last` has come.
    mutating func follow(_ server: ServerProcess, until last: Int64 = .max) async {
        if epoch != nil { resumptions += 1 }
        do {
            switch kind {
            case .polls:
                while revision < last, surprises.isEmpty { try await poll(server) }
            case .events: try await stream(server, until: last)
            }
        } catch {
            // The server is gone, in the middle of whatever it was.
        }
    }

    private mutating func poll(_ server: ServerProcess) async throws {
        var request = request(server, "?after=\(revision)&wait=10&limit=50")
        if let epoch { request.url += "&epoch=\(epoch)" }
        let response = try await ServerProcess.http.execute(request, timeout: .seconds(60))
        let body = try await response.body.collect(upTo: 64 * 1024 * 1024)
        guard response.status == .ok else { return surprises.append("\(response.status)") }
        take(Array(body.readableBytesView))
    }

    /// A stream of events, from where this one is on. Whoever doesn't read it holds it up.
    func open(_ server: ServerProcess) async throws -> HTTPClientResponse {
        var request = request(server, "?after=\(revision)")
        request.headers.add(name: "Accept", value: "text/event-stream")
        if let epoch { request.headers.add(name: "Last-Event-ID", value: "\(epoch).\(revision)") }
        return try await ServerProcess.http.execute(request, timeout: .minutes(10))
    }

    private mutating func stream(_ server: ServerProcess, until last: Int64) async throws {
        try await read(try await open(server), until: last)
    }

    mutating func read(_ response: HTTPClientResponse, until last: Int64) async throws {
        guard response.status == .ok else { return surprises.append("\(response.status)") }
        var text = Data()
        for try await piece in response.body {
            text += Data(piece.readableBytesView)
            while let end = text.range(of: Data("\n\n".utf8)) {
                read(event: String(decoding: text[..<end.lowerBound], as: UTF8.self))
                text = Data(text[end.upperBound...])
            }
            guard revision < last, surprises.isEmpty else { return }
        }
    }

    private mutating func read(event: String) {
        let fields = event.split(separator: "\n").map { $0.split(separator: ":", maxSplits: 1) }
        guard fields.allSatisfy({ $0.count == 2 }) else { return surprises.append(event) }
        let values = Dictionary(
            fields.map { ($0[0], $0[1].dropFirst()) }, uniquingKeysWith: { $1 })
        guard values["event"] == nil, let data = values["data"] else { return }
        take(Array(data.utf8))
        if let epoch, values["id"] ?? "" != "\(epoch).\(revision)" {
            surprises.append("the id \(values["id"] ?? "") at \(revision)")
        }
    }

    private mutating func take(_ bytes: [UInt8]) {
        do {
            let page = try FeedPage(parsing: bytes)
            if page.from.number != revision { surprises.append("\(page.from) after \(revision)") }
            if let epoch, epoch != page.epoch.text { surprises.append("another epoch") }
            epoch = page.epoch.text
            revision = page.to.number
            lines += page.changes.compactMap(Line.init)
        } catch {
            surprises.append("\(error)")
        }
    }

    private func request(_ server: ServerProcess, _ query: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: server.url.absoluteString + "/v1/changes" + query)
        request.headers.add(name: "Authorization", value: "Bearer \(server.adminToken)")
        return request
    }
}

extension Follower.Line {
    init?(_ change: FeedChange) {
        switch change {
        case .set(let domain):
            self.init(
                revision: domain.revision.number, fqdn: domain.fqdn.text,
                location: domain.location.text, mode: domain.mode.rawValue, tenant: domain.tenant)
        case .gone(let revision, let fqdn):
            self.init(revision: revision.number, fqdn: fqdn.text)
        case .locationChanged: return nil
        }
    }

    init?(_ item: HistoryEntry) {
        guard let fqdn = item.fqdn else { return nil }
        self.init(
            revision: item.revision.number, fqdn: fqdn, location: item.after?.placement?.location,
            mode: item.after?.placement?.mode, tenant: item.after?.placement?.tenant)
    }
}
