import RegistryModel
import Testing

@Suite("What has changed in a zone", .whateverTheStore, .timeLimit(.minutes(15)))
struct ZonePartExportTests {
    private func lines(_ answer: Answer) -> [String] {
        answer.text.split(separator: "\n").map(String.init)
    }

    @Test func `is exported alone, with what isn't there any more`() async throws {
        try await withRegistry { registry in
            try await registry.reach()
            for name in ["old.kintone.com", "gone.kintone.com", "same.kintone.com"] {
                try await registry.register(name, location: "aws")
            }
            let whole = try await registry.zone("records")
            let since = try #require(whole.revision)
            let query = "zone=kintone.com&default=japan&changed_since=\(since)"
            let nothing = try await registry.zone("records", query)
            #expect(nothing.status == 200 && nothing.revision == since)
            #expect(
                lines(nothing) == [
                    #"{"name":"*.kintone.com","type":"A","ttl":60,"values":["192.0.2.10"]}"#,
                    #"{"name":"*.kintone.com","type":"AAAA","ttl":60,"values":["2001:db8::10"]}"#,
                ])
            try await registry.register("a.new.kintone.com", location: "aws")
            try await registry.register("plain.kintone.com", location: "japan")
            try await registry.register("elsewhere.example.com", location: "aws")
            let moved = try await registry.send(
                .PATCH, "/v1/domains/old.kintone.com", json: #"{"location":"japan"}"#)
            #expect(moved.status == 200)
            let released = try await registry.send(.DELETE, "/v1/domains/gone.kintone.com")
            #expect(released.status < 300)
            let part = try await registry.zone("records", query)
            let all = try await registry.zone("records")
            #expect(part.revision == all.revision)
            let (of, inAll) = (lines(part), lines(all))
            #expect(of.filter { $0.contains("\"name\"") }.allSatisfy(inAll.contains))
            #expect(
                Set(
                    of.filter { $0.contains("\"name\"") }.compactMap {
                        $0.split(separator: "\"").dropFirst(3).first
                    })
                    == [
                        "*.kintone.com", "new.kintone.com", "*.new.kintone.com",
                        "a.new.kintone.com", "*.a.new.kintone.com",
                    ])
            #expect(
                of.filter { $0.contains("\"absent\"") } == [
                    #"{"absent":"*.gone.kintone.com"}"#, #"{"absent":"*.old.kintone.com"}"#,
                    #"{"absent":"*.plain.kintone.com"}"#, #"{"absent":"gone.kintone.com"}"#,
                    #"{"absent":"old.kintone.com","registered":true}"#,
                    #"{"absent":"plain.kintone.com","registered":true}"#,
                ])
            // The same with the operator's records, and with the epoch said in either way.
            let epoch = try #require(all.epoch)
            for named in [
                "\(query)&epoch=\(epoch)", query.replacing("\(since)", with: "\(epoch).\(since)"),
            ] {
                let based = try await registry.zone("records", named, base: operatorsZone)
                #expect(based.status == 200)
                #expect(lines(based) == of)
            }
        }
    }

    @Test func `can't be told of another epoch, a revision that isn't there, and other locations`()
        async throws
    {
        try await withRegistry { registry in
            try await registry.reach()
            let since = try #require(try await registry.zone("records").revision)
            let query = "zone=kintone.com&default=japan&changed_since="
            for wrong in ["\(since + 1)", "other.\(since)", "\(since)&epoch=other"] {
                let answer = try await registry.zone("records", query + wrong)
                #expect(answer.isProblem(410, "resync"), "\(wrong): \(answer.text)")
            }
            try await registry.reach(aws: #"{"a":["198.51.100.8"]}"#)
            let moved = try await registry.zone("records", query + "\(since)")
            #expect(moved.isProblem(410, "resync"))
            #expect(moved["detail"]?.text?.contains("a location has changed") == true)
        }
    }

    @Test(
        arguments: [
            ("zone", "changed_since=1", ["changed_since conflict"]),
            ("octodns", "changed_since=1", ["changed_since conflict"]),
            ("records", "changed_since=x", ["changed_since invalid"]),
            ("records", "epoch=x", ["epoch conflict"]),
            ("records", "changed_since=abc.1&epoch=x", ["epoch conflict"]),
        ])
    func `is asked for in records alone`(
        format: String, more: String, faults: [String]
    ) async throws {
        try await withRegistry { registry in
            try await registry.reach()
            let answer = try await registry.zone(format, "zone=kintone.com&default=japan&" + more)
            #expect(answer.isProblem(400, "invalid-request"))
            #expect(answer.complaints == faults.map { "?" + $0 })
        }
    }
}
