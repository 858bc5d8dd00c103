import Foundation
import Testing

/// Somebody who sends a proxy whatever they like, byte by byte.
struct Visitor: Sendable {
    let port: Int

    struct Page: Sendable, Equatable {
        var status: Int
        /// Each as `name: value`, in lower case.
        var fields: [String]
        var body: String

        var retryAfter: Substring? {
            fields.first { $0.hasPrefix("retry-after: ") }?.dropFirst("retry-after: ".count)
        }
        /// All of it.
        var text: String { fields.joined(separator: "\n") + "\n\n" + body }

        /// Which side answered, and what it was told: `japan japan serve`.
        var side: Substring { body.prefix { $0 != "\n" } }
        /// What came through that shouldn't: a line of the side's.
        var leaks: Substring { line(3) }
        /// The request as the side got it.
        var told: ToldRequest? {
            try? JSONDecoder().decode(ToldRequest.self, from: Data(line(4).utf8))
        }

        private func line(_ index: Int) -> Substring {
            let lines = body.split(separator: "\n", omittingEmptySubsequences: false)
            return index < lines.count ? lines[index] : ""
        }
    }

    /// - Parameter fields: lines of the head, `Host` among them.
    func send(
        _ method: String = "GET", to path: String = "/", _ fields: [String], body: String = ""
    ) async throws -> Page {
        let text =
            "\(method) \(path) HTTP/1.1\r\n" + fields.map { "\($0)\r\n" }.joined() + "\r\n" + body
        let answer = await withCheckedContinuation {
            (done: CheckedContinuation<(BlockingConnection.Answer?, String), Never>) in
            // Blocking calls don't belong on Swift's own threads.
            Thread.detachNewThread {
                let connection = BlockingConnection(port: port)
                connection?.send(text)
                let answer = connection?.readAnswer(hasBody: method != "HEAD")
                done.resume(returning: (answer, connection?.received ?? "nobody listens"))
            }
        }
        let page = try #require(answer.0, "no answer to \(text.prefix(2000)): \(answer.1)")
        return Page(status: page.status, fields: page.fields, body: page.body)
    }

    func send(_ row: VisitorRow) async throws -> Page {
        try await send(row.method, to: row.path, ["Host: \(row.host)"] + row.fields, body: row.body)
    }

    /// Asks for a WebSocket, and says something there.
    /// - Parameter pause: what happens after the handshake, before anything is said.
    /// - Returns: the answer, and what came back on the connection that it became.
    func openWebSocket(
        at host: String, saying text: String, after pause: @escaping @Sendable () async -> Void = {}
    ) async -> (status: Int?, said: String) {
        await withCheckedContinuation { done in
            Thread.detachNewThread {
                let connection = BlockingConnection(port: port)
                connection?.send(
                    (["GET /socket HTTP/1.1", "Host: \(host)"] + Upgrades.browsers).joined(
                        separator: "\r\n") + "\r\n\r\n")
                let answer = connection?.readAnswer()
                guard answer?.status == 101 else {
                    return done.resume(returning: (answer?.status, ""))
                }
                let isOver = DispatchSemaphore(value: 0)
                Task {
                    await pause()
                    isOver.signal()
                }
                isOver.wait()
                connection?.send(text)
                done.resume(returning: (101, connection?.read(text.utf8.count) ?? ""))
            }
        }
    }

    func visit(_ host: String, _ method: String = "GET", _ more: [String] = []) async throws -> Page
    {
        try await send(method, ["Host: \(host)"] + more)
    }
}

/// A thousand tenants on two sides, and what visitors try in order to get to another's.
enum Crowd {
    static let tenants = (0..<1000).map { number in
        (host: "t\(number).kintone.com", side: number.isMultiple(of: 3) ? "aws" : "japan")
    }

    static func other(than side: String) -> String { side == "aws" ? "japan" : "aws" }

    /// Fields that name another tenant or another side.
    static func lies(against side: String) -> [String] {
        let wrong = other(than: side)
        let victim = wrong == "aws" ? "t0.kintone.com" : "t1.kintone.com"
        return [
            "X-Tenant-Location: \(wrong)", "x-tenant-location: \(wrong)", "X-Tenant-Mode: serve",
            "X_Tenant_Location: \(wrong)", "x-tenant_mode: reject", "X_Tenant-Upstream: evil",
            "X_Tenant_Other: evil",
            "X-Tenant-Upstream: http://evil.example", "X-Tenant-Other: evil",
            "X-Tenant-Revision: evil.1", "X-Tenant-Fenced: evil", "X_Original_Host: evil",
            "X-Original_Host: evil", "X_Forwarded_Host: evil", "X-Forwarded_Host: evil",
            "X-Forwarded-Host: \(victim)", "X-Original-Host: \(victim)", "X-Host: \(victim)",
            "X-Forwarded-Server: \(victim)", "Forwarded: host=\(victim)",
            "X-Forwarded-Uri: /v1/route?host=\(victim)", "X-Original-URL: /v1/route?host=\(victim)",
            "Authorization: Bearer trk_a_b", "If-None-Match: \"2\"", "Accept: application/json",
            "Connection: X-Forwarded-Host, X-Tenant-Mode, x-tenant-location, keep-alive",
        ]
    }

    /// Registers them all.
    static func register(with registry: ServerProcess) async throws {
        let lines = ["fqdn,location"] + tenants.map { "\($0.host),\($0.side)" }
        let file = try registry.folder.write(lines.joined(separator: "\n"), to: "tenants.csv")
        _ = try await registry.succeed("import", file.path)
    }

    /// Every tenant four times: plainly, with every lie, and in other spellings.
    ///
    /// - Parameter field: one that the proxy itself refuses.
    static func expectRightSides(
        _ visitor: Visitor, without field: String? = nil
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in 0..<4 {
                group.addTask {
                    for index in stride(from: part, to: tenants.count, by: 4) {
                        try await expectRightSide(
                            visitor, tenants[index].host, tenants[index].side, without: field)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func expectRightSide(
        _ visitor: Visitor, _ host: String, _ side: String, without field: String?
    ) async throws {
        let lies = lies(against: side).filter { lie in
            field.map { !lie.hasPrefix("\($0):") } ?? true
        }
        for (spelling, fields) in [
            (host, []), (host, lies), (host.uppercased() + ".", lies), ("\(host):8443", lies),
        ] {
            let page = try await visitor.visit(spelling, "GET", fields)
            #expect(page.status == 200, "\(spelling)")
            #expect(page.side == "\(side) \(side) serve", "\(spelling): \(page)")
            #expect(page.leaks == "", "\(spelling): \(page)")
            #expect(!page.body.contains("evil"), "\(spelling): \(page)")
        }
    }

    static let strangers = [
        "nobody.kintone.com", "kintone.com", "t0.kintone.com.evil.example", "evil.t0.kintone.com",
        "t0.kintone.com,t1.kintone.com", "t1.kintone.com, t0.kintone.com", "t0.kintone.com@evil",
        "japan", "aws", "-", "unknown", "127.0.0.1", "[::1]", "[::1]:80", "localhost", "",
        "t0.kintone.com..", "t0..kintone.com", " t0.kintone.com/", "t0.kintone.com%2e", "*",
        "xn--a.kintone.com", String(repeating: "a", count: 300) + ".com",
    ]

    /// Hosts that nobody has reach nobody's site, whatever else the visitor says.
    static func expectNoSideForStrangers(_ visitor: Visitor) async throws {
        for host in strangers {
            for lies in [[], lies(against: "japan")] {
                let page = try await visitor.visit(host, "GET", lies)
                // 400 and 421 are the proxy's own, of a host that it can't read.
                #expect([400, 404].contains(page.status), "\(host): \(page)")
                #expect(!page.body.contains("serve"), "\(host): \(page)")
            }
        }
    }

    /// Requests with more than one host, or none. Whoever is answered is answered by the side of one that
    /// stands in the request, which is told of the same.
    static func expectOneTruthForDoubleHosts(_ visitor: Visitor) async throws {
        let requests = [
            ["Host: t0.kintone.com", "Host: t1.kintone.com"],
            ["Host: t1.kintone.com", "Host: t0.kintone.com"],
            ["Host: nobody.kintone.com", "Host: t0.kintone.com"],
            [],
        ]
        for fields in requests {
            let page = try await visitor.send("GET", fields)
            #expect([400, 404].contains(page.status), "\(fields): \(page)")
        }
    }
}
