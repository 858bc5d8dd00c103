import TestRandom
import Testing

/// One set of rules, two paths: whatever a client sends, it can't tell which one answered.
@Suite("A lookup on the fast path", .whateverTheStore, .serialized, .timeLimit(.minutes(15)))
struct DifferentialTests {
    private static let streams = 400

    @Test(arguments: [(1, false), (2, false), (3, true), (4, true)])
    func `says byte by byte what the router says, for thousands of requests`(
        seed: UInt64, anonymous: Bool
    ) async throws {
        try await withTwoServers(anonymous: anonymous) { servers in
            var traffic = LookupTraffic(servers.world, seed: seed)
            for number in 0..<Self.streams {
                let difference = try await servers.difference(traffic.stream())
                #expect(difference == nil, "seed \(seed), stream \(number)")
                if difference != nil { return }
            }
        }
    }

    @Test func `says the same wherever the network cuts what was sent`() async throws {
        try await withTwoServers(anonymous: true) { servers in
            let tail = "HTTP/1.1\r\nHost: h\r\n\r\n"
            let known = "GET /v1/domains/acme.example.com \(tail)"
            let samples = [
                known,
                "HEAD /v1/route?unknown=403&host=acme.example.com \(tail)GET /v1/route?host=x.y \(tail)",
                // Nothing that only looks like a lookup is one: a field's value, a body.
                "GET /livez HTTP/1.1\r\nHost: h\r\nX: \(known)\(known)",
                "POST /livez HTTP/1.1\r\nHost: h\r\nContent-Length: \(known.utf8.count)\r\n\r\n\(known)\(known)",
            ]
            for sample in samples {
                let bytes = Array(sample.utf8)
                for split in 1..<bytes.count {
                    let difference = try await servers.difference(bytes, splits: [split])
                    #expect(difference == nil)
                    if difference != nil { return }
                }
            }
        }
    }

    @Test(arguments: [UInt64(5), 6])
    func `says the same where all kinds of requests are cut anywhere`(seed: UInt64) async throws {
        try await withTwoServers { servers in
            var traffic = LookupTraffic(servers.world, seed: seed)
            var random = SeededRandom(seed: seed)
            for number in 0..<100 {
                let bytes = traffic.stream()
                let splits = (0..<3).map { _ in Int.random(in: 0...bytes.count, using: &random) }
                let difference = try await servers.difference(bytes, splits: splits.sorted())
                #expect(difference == nil, "seed \(seed), stream \(number)")
                if difference != nil { return }
            }
        }
    }
}
