import Foundation
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
        #expect(MapTarget("nginx-map:./a:b")?.path == "./a:b")
        #expect(MapTarget("nginx-map:/a:b")?.path == "/a:b")
    }

    @Test func `may be a file of Traefik's, which has no other value`() throws {
        let target = try #require(MapTarget("traefik-file:/mode:a.yaml"))
        #expect(target.format == .traefik && target.path == "/mode:a.yaml")
        #expect(target.fault == nil)
        #expect(target.description == "traefik-file:/mode:a.yaml")
    }

    @Test(arguments: ["a", "a.json", "a.toml", "a.yaml.new"])
    func `is no file of Traefik's by another name, which it doesn't read`(path: String) throws {
        #expect(try #require(MapTarget("traefik-file:\(path)")).fault?.contains(path) == true)
        #expect(try #require(MapTarget("nginx-map:\(path)")).fault == nil)
    }

    @Test func `is no link where Traefik reads it, which watches the link`() throws {
        let folder = try TestFolder()
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("a.yaml"), withDestinationPath: folder.path("b.yaml"))
        #expect(try #require(MapTarget("traefik-file:\(folder.path("a.yaml"))")).fault != nil)
        #expect(try #require(MapTarget("traefik-file:\(folder.path("b.yaml"))")).fault == nil)
    }

    @Test(arguments: [
        "traefik-file", "traefik-file:", "nginx-map", "nginx-map:", "nginx-map:mode:", "csv:x",
        ":x", "", "nginx-map:placment:a.map", "traefik-file:mode:a.yaml",
    ])
    func `is refused as anything else`(text: String) {
        #expect(MapTarget(text) == nil)
    }
}
