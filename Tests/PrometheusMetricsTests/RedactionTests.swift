import Foundation
import Logging
import PrometheusMetrics
import Testing

@Suite("A secret") struct RedactionTests {
    private let lines = Lines()

    private func log(_ message: String, _ metadata: Logger.Metadata) throws -> [String: Any] {
        let logger = Logger(label: "l") { [lines] in
            JSONLogHandler(label: $0, sink: { line, _ in lines.append(line) })
        }
        logger.info("\(message)", metadata: metadata)
        return try #require(lines.objects().last)
    }

    @Test(arguments: [
        "authorization", "Authorization", "token_secret", "TOKEN_SECRET", "secret", "password",
    ])
    func `under a known key is blotted out`(key: String) throws {
        #expect(try log("m", [key: "abc"])[key] as? String == "***")
        #expect(try log("m", [key: ["abc"]])[key] as? String == "***")
        let nested = try log("m", ["headers": [key: "abc", "accept": "*/*"]])["headers"]
        #expect(nested as? [String: String] == [key: "***", "accept": "*/*"])
        #expect(!lines.all.joined().contains("abc"))
    }

    @Test(arguments: [
        ("Bearer abc", "Bearer ***"), ("bearer a b c", "bearer ***"), ("BEARER é", "BEARER ***"),
        ("Bearer trk_id_secret", "Bearer ***"), ("Bearer ", "Bearer "), ("Bear", "Bear"),
        ("Bearers", "Bearers"), ("a Bearer abc", "a Bearer abc"),
    ])
    func `after Bearer is blotted out of a value`(value: String, shown: String) throws {
        #expect(try log("m", ["v": .string(value)])["v"] as? String == shown)
        #expect(try log("m", ["v": .stringConvertible(value)])["v"] as? String == shown)
    }

    @Test(arguments: [
        ("trk_abc_0123", "trk_abc_***"),
        ("got trk_abc_0123, and trk_d_4_5-6.", "got trk_abc_***, and trk_d_***"),
        ("{\"token\":\"trk_abc_0123\"}", "{\"token\":\"trk_abc_***\"}"),
        ("?t=trk_abc_0123&x=1", "?t=trk_abc_***&x=1"), ("trk_abc_ü\n1", "trk_abc_***\n1"),
        ("trk_trk_a_b", "trk_trk_***"), ("trk__x", "trk__***"), ("é trk_é_é é", "é trk_é_*** é"),
        ("trk_abc", "trk_abc"), ("trk_abc_", "trk_abc_"), ("trk_", "trk_"), ("trk", "trk"),
        ("trk_ab c_d", "trk_ab c_d"), ("t trk_a trk_b_c", "t trk_a trk_b_***"), ("", ""),
    ])
    func `of a token is blotted out wherever it stands`(text: String, shown: String) throws {
        #expect(try log(text, [:])["message"] as? String == shown)
        #expect(try log("m", ["v": .string(text)])["v"] as? String == shown)
        #expect(try log("m", ["v": [.string(text)]])["v"] as? [String] == [shown])
        #expect(try log("m", ["k" + text: "v"])["k" + shown] as? String == "v")
    }

    @Test func `of any real token is blotted out`() throws {
        let idCharacters = Array("abcdefghijklmnopqrstuvwxyz234567")
        let digits = Array("0123456789abcdef")
        for _ in 0..<200 {
            let id = String((0..<12).map { _ in idCharacters[Int.random(in: 0..<32)] })
            let secret = String((0..<64).map { _ in digits[Int.random(in: 0..<16)] })
            _ = try log("trk_\(id)_\(secret)", ["v": "x=trk_\(id)_\(secret);"])
            #expect(lines.all.last?.contains(secret) == false)
            #expect(lines.all.last?.contains(id) == true)
        }
    }
}
