import Crypto
import Foundation
import RegistryClient
import Testing

@testable import RegistryAgent

@Suite("HAProxy's runtime socket", .timeLimit(.minutes(15))) struct HAProxySocketTests {
    private static func lines(_ count: Int, _ location: String) -> String {
        (0..<count).map { "t\($0).kintone.com \(location)\n" }.joined()
    }

    private static func replace(
        _ socket: HAProxySocket, _ map: String, with lines: String, in folder: TestFolder
    ) throws {
        let file = try folder.write(lines, to: "lines")
        try socket.replace(
            map, withLinesOf: file.path, digest: Array(SHA256.hash(data: Data(lines.utf8))))
    }

    @Test func `takes a map of 50,000 lines at once, and another one after it`() async throws {
        let folder = try TestFolder()
        _ = try folder.write("old.kintone.com japan\n", to: "hosts.map")
        let haproxy = try await EdgeHAProxy.start(in: folder)
        let socket = HAProxySocket(path: haproxy.socket)
        #expect(try await haproxy.location("old.kintone.com") == "japan")
        for place in ["aws", "japan"] {
            try Self.replace(socket, haproxy.map, with: Self.lines(50_000, place), in: folder)
            #expect(try await haproxy.location("old.kintone.com") == "unknown")
            for number in [0, 1, 777, 49_999] {
                #expect(try await haproxy.location("t\(number).kintone.com") == place)
            }
        }
    }

    @Test func `keeps the map that it has where an entry goes astray`() async throws {
        let folder = try TestFolder()
        _ = try folder.write("old.kintone.com japan\n", to: "hosts.map")
        let haproxy = try await EdgeHAProxy.start(in: folder)
        let socket = HAProxySocket(path: haproxy.socket)
        // HAProxy reads a line with a comment sign as none, and says nothing of it.
        let bad = Self.lines(100, "aws") + "\n" + Self.lines(3, "aws")
        #expect(throws: HAProxySocket.Failure.self) {
            try Self.replace(socket, haproxy.map, with: bad, in: folder)
        }
        let long = String(repeating: "a", count: 20_000) + " aws\n"
        #expect(throws: HAProxySocket.Failure.self) {
            try Self.replace(socket, haproxy.map, with: long, in: folder)
        }
        #expect(throws: HAProxySocket.Failure.self) {
            try Self.replace(socket, "/no/such.map", with: Self.lines(1, "aws"), in: folder)
        }
        // Somebody else's lines, as many as there should be.
        let file = try folder.write(Self.lines(3, "aws"), to: "foreign")
        let foreign = #expect(throws: HAProxySocket.Failure.self) {
            try socket.replace(haproxy.map, withLinesOf: file.path, digest: [1])
        }
        #expect(foreign?.isForeign == true)
        #expect(try await haproxy.location("old.kintone.com") == "japan")
        #expect(try await haproxy.location("t1.kintone.com") == "unknown")
    }

    @Test func `takes single changes into the map that it has`() async throws {
        let folder = try TestFolder()
        _ = try folder.write("a.b japan\nc.b japan\nd.b aws\n", to: "hosts.map")
        let haproxy = try await EdgeHAProxy.start(in: folder)
        let socket = HAProxySocket(path: haproxy.socket)
        let lines = "a.b japan\nc.b japan\nd.b aws\n"
        let version = try socket.replace(
            haproxy.map, withLinesOf: folder.write(lines, to: "lines").path,
            digest: Array(SHA256.hash(data: Data(lines.utf8))))
        let difference = MapDifference(
            changes: [
                .set(name: "a.b", value: "aws"), .added(name: "b.b", value: "japan"),
                .removed(name: "d.b"), .added(name: "e.b", value: "aws"),
            ], oldCount: 3, newCount: 4)
        #expect(try socket.change(haproxy.map, difference, version: version))
        for (name, place) in [
            ("a.b", "aws"), ("b.b", "japan"), ("c.b", "japan"), ("d.b", "unknown"), ("e.b", "aws"),
        ] {
            #expect(try await haproxy.location(name) == place)
        }
        // Somebody else's version, and somebody else's lines.
        let same = MapDifference(changes: [], oldCount: 4, newCount: 4)
        #expect(try socket.change(haproxy.map, same, version: version))
        #expect(try !socket.change(haproxy.map, same, version: version + 1))
        _ = try socket.ask("del map \(haproxy.map) a.b")
        #expect(try !socket.change(haproxy.map, same, version: version))
        let gone = MapDifference(
            changes: [.set(name: "a.b", value: "japan")], oldCount: 3, newCount: 3)
        #expect(try !socket.change(haproxy.map, gone, version: version))
    }

    @Test func `that nobody listens at is an error, not a wait`() throws {
        #expect(throws: HAProxySocket.Failure.self) {
            try HAProxySocket(path: "/tmp/no-haproxy-here.sock").identity()
        }
    }
}
