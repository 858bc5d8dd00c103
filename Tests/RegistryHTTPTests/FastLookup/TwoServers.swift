import Foundation
import Logging
import NIOCore
import NIOPosix
import RegistryHTTP
import RegistryModel
import Testing

/// The same registry behind two ports: one answers lookups early, the other sends everything to the
/// router. What one says and the other doesn't is a defect.
struct TwoServers: Sendable {
    let early: RunningRegistry
    let routed: Int
    let world: LookupTraffic.World

    /// Sends bytes to both, and compares what comes back.
    ///
    /// A request whose body never comes is answered or not, as its end and its answer happen to meet:
    /// such bytes are sent again until both say the same once.
    ///
    /// - Returns: what differs; nil for nothing.
    func difference(_ bytes: [UInt8], splits: [Int] = []) async throws -> String? {
        let text = String(decoding: bytes, as: UTF8.self)
        let announcesBody = text.contains("chunked") || text.contains("Content-Length")
        var answers: (early: Set<String>, routed: Set<String>) = ([], [])
        for _ in 0..<(announcesBody ? 20 : 1) {
            answers.early.insert(
                try await Self.exchange(bytes, port: early.port, splits: splits))
            answers.routed.insert(try await Self.exchange(bytes, port: routed))
            if !answers.early.isDisjoint(with: answers.routed) { return nil }
        }
        return """
            sent \(splits): \(text.debugDescription)
            early: \(answers.early.first.debugDescription)
            routed: \(answers.routed.first.debugDescription)
            """
    }

    /// Sends bytes and reads everything that comes back, ids and times blotted out.
    ///
    /// - Parameter splits: where to cut; each part has been read before the next one is sent.
    private static func exchange(
        _ bytes: [UInt8], port: Int, splits: [Int] = []
    ) async throws -> String {
        try await withConnection(to: port) { connection in
            var start = 0
            for split in splits where split > start && split < bytes.count {
                try? await connection.send(Array(bytes[start..<split]))
                try await settle(port)
                start = split
            }
            // A server that has had enough has closed the connection by now.
            try? await connection.send(Array(bytes[start...]))
            connection.finish()
            return blotted(String(decoding: try await connection.rest(), as: UTF8.self))
        }
    }

    /// 100 Continue too: it's sent where no earlier answer is due, so it depends on the time.
    private static func blotted(_ answers: String) -> String {
        var lines = answers.replacing("HTTP/1.1 100 Continue\r\n\r\n", with: "").split(
            separator: "\r\n", omittingEmptySubsequences: false
        ).map(
            String.init)
        for index in lines.indices {
            if lines[index].hasPrefix("Date: ") { lines[index] = "Date: …" }
            if let id = lines[index].wholeMatch(of: /X-Request-ID: ([0-9a-f]{32})/)?.1 {
                lines[index] = "X-Request-ID: …"
                for later in lines.indices[index...] {
                    lines[later] = lines[later].replacing(id, with: "…")
                }
            }
        }
        return lines.joined(separator: "\r\n")
    }
}

/// Runs both around `body`, with some domains in every mode.
func withTwoServers(
    anonymous: Bool = false, _ body: (TwoServers) async throws -> Void
) async throws {
    let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    var settings = RegistrySettings.with {
        $0.http.allowsAnonymousReads = anonymous
        $0.http.accessLog = .off
    }
    settings.eventLoops = loops
    try await withRegistry(settings) { registry in
        let world = try await makeWorld(registry)
        var options = settings.http
        options.answersOnFastPath = false
        let server = RegistryServer(
            service: registry.service, options: options, drain: registry.drain, metrics: { "" },
            eventLoops: loops,
            logger: Logger(label: "routed") { _ in SwiftLogNoOpLogHandler() })
        try await serving(server, Logger(label: "routed") { _ in SwiftLogNoOpLogHandler() }) {
            port in
            try await body(TwoServers(early: registry, routed: port, world: world))
        }
    }
    try await loops.shutdownGracefully()
}

private func makeWorld(_ registry: RunningRegistry) async throws -> LookupTraffic.World {
    let names = [
        "acme.example.com", "hooli.example.com", "a-b.example.com", "xn--mnchen-3ya.example.com",
    ]
    for name in names {
        try await registry.register(name, tenant: name.hasPrefix("a") ? "say \\\"é\\\"" : nil)
    }
    for (name, mode) in zip(names, ["read_only", "reject"]) {
        try await registry.send(.PATCH, "/v1/domains/\(name)", json: #"{"mode":"\#(mode)"}"#)
    }
    let revoked = try await registry.post("/v1/tokens", #"{"name":"r","role":"reader"}"#)
    try await registry.send(.DELETE, "/v1/tokens/\(revoked["id"]?.text ?? "")")
    let reader = registry.token(.reader)
    return LookupTraffic.World(
        known: names, revisions: Array(1...12), epoch: "\(try registry.service.position().epoch)",
        credentials: ["Bearer \(reader)", "Bearer \(reader)", "Bearer \(reader)"] + [
            "Bearer \(registry.token(.admin))", "bearer   \(reader)", "BEARER \(reader)",
            "Bearer \(reader)x", "Bearer \(reader.dropLast())",
            "Bearer \(revoked["token"]?.text ?? "")",
            "Bearer trk_", "Bearer x", "Bearer", "Basic eDp5", "", reader, "Bearer \(reader) x",
        ])
}
