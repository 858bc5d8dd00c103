import Foundation
import Logging
import Synchronization
import Testing

@testable import PrometheusMetrics

@Suite("A log line") struct JSONLogHandlerTests {
    private let lines = Lines()

    private func logger(
        provider: Logger.MetadataProvider? = nil, metadata: Logger.Metadata = [:]
    ) -> Logger {
        var handler = JSONLogHandler(
            label: "registry", level: .trace, metadataProvider: provider,
            sink: { [lines] line, _ in lines.append(line) },
            now: { WallTime(millisecondsSince1970: 1_767_323_045_678) })
        handler.metadata = metadata
        return Logger(label: "ignored") { _ in handler }
    }

    private let start = #"{"time":"2026-01-02T03:04:05.678Z","level":"info","logger":"registry","#

    @Test func `is exact to the byte`() {
        logger().info(
            "a \"domain\"",
            metadata: [
                "z": "1", "a": .stringConvertible(42), "list": ["x", ["y": "z"], []],
                "nested": ["b": "2", "a": ["deep": "true"], "none": [:]],
            ])
        #expect(
            lines.all == [
                start + #""message":"a \"domain\"","a":"42","list":["x",{"y":"z"},[]],"#
                    + #""nested":{"a":{"deep":"true"},"b":"2","none":{}},"z":"1"}"# + "\n"
            ])
    }

    @Test func `ends with the source from errors on only`() throws {
        let logger = logger()
        for level in Logger.Level.allCases {
            logger.log(level: level, "m", file: "Module/File.swift", line: 7)
        }
        let source = #","source":"Module/File.swift:7"}"# + "\n"
        let haveSource = lines.all.map { $0.hasSuffix(source) }
        #expect(haveSource == [false, false, false, false, false, true, true])
        #expect(
            try lines.objects().compactMap { $0["level"] as? String } == [
                "trace", "debug", "info", "notice", "warning", "error", "critical",
            ])
    }

    @Test func `has the error's text and type`() throws {
        struct Broken: Error {}
        logger().warning("m", error: Broken())
        let object = try #require(lines.objects().first)
        #expect(object["error.message"] as? String == "Broken()")
        #expect((object["error.type"] as? String)?.hasSuffix("Broken") == true)
    }

    @Test func `prefers the event's metadata to the logger's to the provider's`() throws {
        let provider = Logger.MetadataProvider {
            ["a": "provider", "b": "provider", "c": "provider"]
        }
        logger(provider: provider, metadata: ["a": "logger", "b": "logger"])
            .info("m", metadata: ["a": "event"])
        let object = try #require(lines.objects().first)
        #expect(object["a"] as? String == "event")
        #expect(object["b"] as? String == "logger")
        #expect(object["c"] as? String == "provider")
    }

    @Test func `keeps metadata apart from its own keys`() {
        logger().info("m", metadata: ["message": "other", "time": "now", "hb.request.id": "9"])
        #expect(
            lines.all == [
                start + #""message":"m","metadata.message":"other","metadata.time":"now"}"# + "\n"
            ])
    }

    @Test func `gives every character back as it was`() throws {
        let text = String(String.UnicodeScalarView((0...0x2FF).compactMap(Unicode.Scalar.init)))
        let odd = text + "\u{2028}\u{2029}\u{FEFF}🦊\u{10FFFF}e\u{301}\r\n"
        logger().info("\(odd)", metadata: ["\(odd)": "\(odd)"])
        let line = try #require(lines.all.first)
        #expect(line.utf8.allSatisfy { $0 >= 0x20 || $0 == UInt8(ascii: "\n") })
        #expect(line.utf8.count { $0 == UInt8(ascii: "\n") } == 1)
        let object = try #require(lines.objects().first)
        #expect((object["message"] as? String).map { Array($0.utf8) } == Array(odd.utf8))
        #expect(object[odd] as? String == odd)
    }

    @Test func `escapes control characters`() {
        logger().info("\u{0}\u{8}\t\n\u{B}\u{C}\r\u{1F}\u{7F}/\\")
        #expect(
            lines.all == [
                start + #""message":"\u0000\b\t\n\u000b\f\r\u001f"# + "\u{7F}" + #"/\\"}"# + "\n"
            ])
    }

    @Test func `appears from its level on`() {
        let quiet = Logger(label: "l") { [lines] in
            JSONLogHandler(label: $0, sink: { line, _ in lines.append(line) })
        }
        quiet.debug("no")
        quiet.info("yes")
        #expect(lines.all.count == 1)
    }

    @Test func `has its logger's own metadata`() throws {
        var one = logger()
        let other = one
        one[metadataKey: "id"] = "1"
        one.info("m")
        other.info("m")
        #expect(try lines.objects().map { $0["id"] as? String } == ["1", nil])
        #expect(one[metadataKey: "id"] == "1")
    }
}

/// What a handler wrote.
final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func append(_ line: String) { lines.withLock { $0.append(line) } }

    func objects() throws -> [[String: Any]] {
        try all.map {
            try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }
}
