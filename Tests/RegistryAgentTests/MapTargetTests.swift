import Testing

@testable import RegistryAgent

@Suite("A map to write") struct MapTargetTests {
    @Test func `is named by its format and its path`() throws {
        let target = try #require(MapTarget("nginx-map:/etc/nginx/hosts.map"))
        #expect(target.format == .nginx)
        #expect(target.value == .location)
        #expect(target.path == "/etc/nginx/hosts.map")
    }

    @Test func `may have another value than the location`() throws {
        let target = try #require(MapTarget("haproxy-map:mode:modes.map"))
        #expect(target.format == .haproxy)
        #expect(target.value == .mode)
        #expect(target.path == "modes.map")
    }

    @Test func `may have a colon in its path`() throws {
        #expect(MapTarget("nginx-map:a:b")?.path == "a:b")
    }

    @Test(arguments: ["nginx-map", "nginx-map:", "nginx-map:mode:", "csv:x", ":x", ""])
    func `is refused as anything else`(text: String) {
        #expect(MapTarget(text) == nil)
    }
}
