import LookupGrammar
import Testing

/// What proxies really send when they ask where a host lives.
@Suite("A proxy's question") struct FastPathTests {
    @Test(arguments: FrontProxyTests.Kind.allCases)
    func `is one that's answered before any parser, whatever the visitor sent`(
        kind: FrontProxyTests.Kind
    ) async throws {
        let registry = try await StubRegistry.start()
        let proxy = try await kind.start(before: registry)
        let before = registry.requests.count
        for method in ["GET", "HEAD", "POST", "PUT", "PROPFIND"] {
            for fields in [
                ["Content-Length: 0"], ["Content-Length: 0", "Cookie: session=secret"],
                ["Content-Length: 0"] + Upgrades.browsers,
                ["Content-Length: 0"]
                    + Crowd.lies(against: "japan").filter { !$0.hasPrefix("Connection") },
            ] {
                _ = try await proxy.visitor.send(
                    method, to: "/page?unknown=1&host=x", ["Host: 200.example.com"] + fields)
            }
        }
        _ = try await proxy.visitor.send(
            "POST", ["Host: 200.example.com", "Content-Length: 5"], body: "hello")
        _ = try await proxy.visitor.visit("unknown.example.com")
        let asked = registry.requests.dropFirst(before)
        #expect(!asked.isEmpty)
        for request in asked {
            let text = request.joined(separator: "\r\n") + "\r\n\r\n"
            var bytes = Array(text.utf8)
            bytes.withUnsafeMutableBytes { bytes in
                let bytes = UnsafeRawBufferPointer(bytes)
                let line = LookupLine(bytes)
                #expect(line != nil, "\(request)")
                let rest = UnsafeRawBufferPointer(rebasing: bytes[(line?.length ?? 0)...])
                #expect(LookupFields(rest) != nil, "\(request)")
            }
        }
        try await proxy.stop()
        try await registry.stop()
    }
}
