import Foundation
import RegistryClient
import Testing

@Suite("Operations", .runningServer("--ops-listen", "127.0.0.1:0")) struct OperationsTests {
    private static func ops(_ path: String, token: String? = nil) async throws -> (Int, String) {
        let url = try #require(try RunningServer.current.opsURL)
        let client = RegistryClient(base: url, token: token, http: ServerProcess.http)
        do {
            let answer = try await client.send(.GET, path)
            return (answer.status, String(buffer: answer.body))
        } catch ClientError.refused(let refusal) {
            return (refusal.status, refusal.code ?? "")
        }
    }

    @Test(arguments: ["/livez", "/readyz", "/readyz?verbose", "/metrics"])
    func `answer on a port of their own without a token`(path: String) async throws {
        #expect(try await Self.ops(path).0 == 200)
    }

    @Test(arguments: [
        "/", "/v1/stats", "/v1/domains", "/v1/domains/a.example.com", "/v1/tokens", "/openapi.yaml",
        "/metrics/more", "/v1/route?host=a.example.com",
    ])
    func `have nothing else on that port, even for an admin`(path: String) async throws {
        let (status, text) = try await Self.ops(path, token: RunningServer.current.adminToken)
        #expect(status == 404)
        #expect(text == "not-found")
    }

    @Test func `need a token for metrics on the main port, and none for health`() async throws {
        let server = try RunningServer.current
        let stranger = server.client(token: nil)
        #expect(try await stranger.send(.GET, "/livez").status == 200)
        #expect(try await stranger.send(.GET, "/readyz").status == 200)
        await #expect(throws: (any Error).self) { try await stranger.send(.GET, "/metrics") }
        #expect(try await server.client.send(.GET, "/metrics").status == 200)
    }

    @Test func `export every family with its type and help`() async throws {
        let server = try RunningServer.current
        _ = try await server.client.register("measured.example.com")
        _ = try await server.client.domain("measured.example.com")
        _ = try? await server.client.domain("unknown.example.com")
        _ = try? await server.client.domain("mal_formed")
        let answer = try await server.client.send(.GET, "/metrics")
        #expect(
            answer.headers.first(name: "Content-Type")
                == "text/plain; version=0.0.4; charset=utf-8")
        let metrics = try PrometheusText(String(buffer: answer.body))

        for (name, type) in [
            ("http_requests_total", "counter"), ("http_request_duration_seconds", "histogram"),
            ("registry_lookups_total", "counter"), ("registry_commits_total", "counter"),
            ("registry_commit_group_size", "histogram"),
            ("registry_commit_duration_seconds", "histogram"),
            ("registry_table_domains", "gauge"), ("registry_revision", "gauge"),
            ("registry_wal_bytes", "gauge"),
        ] {
            #expect(metrics.types[name] == type, "\(name)")
            #expect(metrics.helps[name]?.isEmpty == false, "\(name)")
            #expect(metrics.samples.contains { $0.family == name }, "\(name)")
        }
        func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
            metrics.samples.first {
                $0.name == name && labels.allSatisfy { [labels = $0.labels] in labels[$0] == $1 }
            }?.value
        }
        #expect(value("registry_table_domains") == 1)
        #expect(value("registry_revision") == 2)
        #expect(value("registry_wal_bytes") ?? 0 > 0)
        for outcome in ["found", "unknown", "malformed"] {
            #expect(value("registry_lookups_total", ["outcome": outcome]) ?? 0 >= 1)
        }
        #expect(
            value(
                "http_requests_total",
                ["method": "POST", "route": "/v1/domains", "status": "201"]) == 1)
        #expect(value("registry_commit_duration_seconds_count") ?? 0 >= 1)
        #expect(value("registry_commit_group_size_bucket", ["le": "+Inf"]) ?? 0 >= 1)
    }

    @Test func `keep the number of series apart from what strangers ask for`() async throws {
        let server = try RunningServer.current
        for path in ["/nothing/here", "/v1/domains/x1.example.net", "/v1/domains/x2.example.net"] {
            _ = try? await server.client.send(.GET, path)
        }
        let text = String(buffer: try await server.client.send(.GET, "/metrics").body)
        #expect(!text.contains("nothing/here"))
        #expect(!text.contains("example.net"))
    }
}

/// Prometheus' text format, version 0.0.4, read strictly.
private struct PrometheusText {
    struct Sample {
        var name: String
        var labels: [String: String]
        var value: Double
        /// Without the `_bucket`, `_sum`, `_count` of a histogram.
        var family: String
    }

    struct Malformed: Error {
        let line: String
    }

    var types: [String: String] = [:]
    var helps: [String: String] = [:]
    var samples: [Sample] = []

    init(_ text: String) throws {
        guard text.hasSuffix("\n") else { throw Malformed(line: "the last line has no end") }
        for line in text.split(separator: "\n") {
            if let comment = line.wholeMatch(of: /# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)/) {
                let name = String(comment.2)
                let isNew =
                    comment.1 == "HELP"
                    ? helps.updateValue(String(comment.3), forKey: name) == nil
                    : types.updateValue(String(comment.3), forKey: name) == nil
                // A family's lines belong together, and its type comes before its samples.
                guard isNew, !samples.contains(where: { $0.family == name }) else {
                    throw Malformed(line: String(line))
                }
            } else {
                samples.append(try sample(String(line)))
            }
        }
    }

    private func sample(_ line: String) throws -> Sample {
        guard
            let match = line.wholeMatch(of: /([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([^ ]+)/),
            let value = Double(match.3.replacing("+Inf", with: "inf"))
        else { throw Malformed(line: line) }
        var labels: [String: String] = [:]
        for label in (match.2 ?? "").matches(of: /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)",?/) {
            labels[String(label.1)] = String(label.2)
        }
        let name = String(match.1)
        let family =
            ["_bucket", "_sum", "_count"].lazy
            .filter { name.hasSuffix($0) }.map { String(name.dropLast($0.count)) }
            .first { self.types[$0] == "histogram" } ?? name
        return Sample(name: name, labels: labels, value: value, family: family)
    }
}
