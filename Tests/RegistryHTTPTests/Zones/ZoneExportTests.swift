import RegistryAPI
import RegistryModel
import Testing

@Suite("A zone's export", .whateverTheStore, .timeLimit(.minutes(15))) struct ZoneExportTests {
    @Test func `is the wildcard and what isn't its, in each form`() async throws {
        try await withRegistry { registry in
            try await registry.reach()
            try await registry.register("acme.kintone.com", location: "aws")
            try await registry.register("stay.kintone.com", location: "japan")
            let zone = try await registry.zone()
            #expect(zone.status == 200 && zone.header("Content-Type") == "text/dns")
            #expect(
                zone.zoneRecords == [
                    "*.kintone.com A 192.0.2.10", "*.kintone.com AAAA 2001:db8::10",
                    "acme.kintone.com A 198.51.100.7", "*.acme.kintone.com A 192.0.2.10",
                    "*.acme.kintone.com AAAA 2001:db8::10",
                ])
            let records = try await registry.zone("records")
            #expect(records.header("Content-Type") == "application/x-ndjson")
            #expect(
                records.text.hasPrefix(
                    #"{"name":"*.kintone.com","type":"A","ttl":60,"values":["192.0.2.10"]}"# + "\n"
                ))
            #expect(records.text.split(separator: "\n").count == 5)
            let yaml = try await registry.zone("octodns")
            #expect(yaml.header("Content-Type") == "application/yaml")
            #expect(yaml.text.contains("\n'acme':\n"))
            for answer in [zone, records, yaml] {
                #expect(answer.revision == zone.revision)
            }
        }
    }

    @Test func `has a serial that goes up with its content, and with nothing else`() async throws {
        try await withRegistry { registry in
            try await registry.reach()
            let first = try await registry.zone()
            let serial = try #require(first.zoneSerial)
            try await registry.register("stay.kintone.com", location: "japan")
            let same = try await registry.zone()
            #expect(same.bytes == first.bytes)
            #expect(same.header("ETag") == first.header("ETag"))
            try await registry.register("acme.kintone.com", location: "aws")
            let next = try await registry.zone()
            #expect(next.zoneSerial == serial + 1, "within the same second")
            registry.clock.advance(by: .seconds(100))
            #expect(try await registry.zone().zoneSerial == serial + 1)
            // Another form of it isn't another content; other seconds for caches are.
            _ = try await registry.zone("octodns")
            #expect(try await registry.zone().zoneSerial == serial + 1)
            let shorter = try await registry.zone("zone", "zone=kintone.com&default=japan&ttl=5")
            #expect(shorter.zoneSerial == serial + 100)
            let above = try await registry.zone(
                base: operatorsZone.replacing(" 7 ", with: " 3000000000 "))
            #expect(above.zoneSerial == 3_000_000_001)
            let later = try await registry.zone()
            #expect(later.zoneSerial == 3_000_000_002)
        }
    }

    @Test func `isn't sent again to who has it`() async throws {
        try await withRegistry { registry in
            try await registry.reach()
            for format in ["zone", "octodns", "records"] {
                let answer = try await registry.zone(format)
                let tag = try #require(answer.header("ETag"))
                let again = try await registry.zone(format, headers: [("If-None-Match", tag)])
                #expect(again.status == 304 && again.bytes.isEmpty)
            }
        }
    }

    @Test func `has the operator's records, and overwrites none of them`() async throws {
        try await withRegistry { registry in
            try await registry.reach()
            for name in ["acme.kintone.com", "desk.kintone.com", "x.example.com"] {
                try await registry.register(name, location: "aws")
            }
            let apex = #"{"fqdn":"kintone.com","location":"japan","allow_nested":true}"#
            #expect(try await registry.post("/v1/domains", apex).status == 201)
            let zone = try await registry.zone(base: operatorsZone)
            #expect(zone.status == 200)
            let records = zone.zoneRecords
            for record in [
                "kintone.com NS ns1.example.net.", "kintone.com MX 10 mail.example.net.",
                "kintone.com A 192.0.2.10", "desk.kintone.com A 203.0.113.80",
                "_acme-challenge.acme.kintone.com TXT \"token\"",
                "acme.kintone.com A 198.51.100.7",
            ] {
                #expect(records.contains(record))
            }
            #expect(!records.contains("desk.kintone.com A 198.51.100.7"))
            #expect(
                zone.remarks.contains { $0.contains("desk.kintone.com") && $0.contains("A record") }
            )
            #expect(zone.remarks.contains { $0.contains("x.example.com") })
            #expect(zone.text.contains("SOA\tns1.example.net. hostmaster.example.net. "))
            let lines = try await registry.zone("records", base: operatorsZone).text
            #expect(lines.contains(#""values":["203.0.113.80"],"base":true}"#))
            #expect(
                lines.contains(
                    #"{"left_out":"desk.kintone.com","reason":"the operator's own A record holds the name"}"#
                ))
        }
    }

    @Test(
        arguments: [
            ("default=japan", ["zone required"]), ("zone=kintone.com", ["default required"]),
            ("", ["zone required", "default required"]),
            ("zone=-&default=japan", ["zone invalid"]),
            ("zone=kintone.com&default=", ["default invalid"]),
            ("zone=kintone.com&default=mars", ["default unknown"]),
            ("zone=kintone.com&default=japan&ttl=-1", ["ttl invalid"]),
            ("zone=kintone.com&default=japan&ttl=604801", ["ttl invalid"]),
            ("zone=kintone.com&zone=a.com&default=japan", ["zone repeated"]),
            ("zone=kintone.com&default=japan&value=location", ["value conflict"]),
        ])
    func `says what is wrong with what it's asked`(query: String, faults: [String]) async throws {
        try await withRegistry { registry in
            try await registry.reach()
            for format in ["zone", "octodns", "records"] {
                let answer = try await registry.zone(format, query)
                #expect(answer.isProblem(400, "invalid-request"))
                #expect(answer.complaints == faults.map { "?" + $0 })
            }
        }
    }

    @Test func `is refused where nobody has said how a location is reached`() async throws {
        try await withRegistry { registry in
            try await registry.register("acme.kintone.com", location: "aws")
            let none = try await registry.zone()
            #expect(none.isProblem(409, "dns-target-missing"))
            #expect(none["detail"]?.text?.contains("japan") == true)
            try await registry.reach(aws: "null")
            let other = try await registry.zone()
            #expect(other.isProblem(409, "dns-target-missing"))
            #expect(other["detail"]?.text?.contains("aws") == true)
        }
    }

    @Test func `is refused where an alias can't stand, and not where it can`() async throws {
        try await withRegistry { registry in
            let alias = #"{"alias":{"hosted_zone_id":"Z1","name":"lb.example.net"}}"#
            try await registry.reach(aws: alias)
            try await registry.register("acme.kintone.com", location: "aws")
            for format in ["zone", "octodns"] {
                let answer = try await registry.zone(format)
                #expect(answer.isProblem(409, "zone-conflict"))
                #expect(answer["detail"]?.text?.contains("aws") == true)
            }
            let records = try await registry.zone("records")
            #expect(
                records.text.contains(#""alias":{"hosted_zone_id":"Z1","name":"lb.example.net"}"#))
        }
    }

    @Test(
        arguments: [
            ("www IN A 192.0.2.300\n", "line 1"),
            ("$INCLUDE other\n", "line 1"),
            ("@ 60 IN A 192.0.2.1\n@ 60 IN TYPE65534 \\# 2 00\n", "line 2"),
            ("x 60 IN CNAME a.example.\nx 60 IN A 192.0.2.1\n", "x.kintone.com"),
            ("a.example.net. 60 IN A 192.0.2.1\n", "line 1"),
        ])
    func `is refused with what is wrong in the operator's file`(
        file: String, place: String
    ) async throws {
        try await withRegistry { registry in
            try await registry.reach()
            let answer = try await registry.zone(base: file)
            #expect(answer.isProblem(400, "invalid-zone"))
            #expect(answer["detail"]?.text?.contains(place) == true)
        }
    }

    @Test func `takes the operator's file from operators, as a master file`() async throws {
        try await withRegistry { registry in
            try await registry.reach()
            let reader = try await registry.zone(base: operatorsZone, .role(.reader))
            #expect(reader.isProblem(403, "forbidden"))
            let json = try await registry.zone(base: "{}", as: "application/json")
            #expect(json.isProblem(415, "unsupported-media-type"))
            let csv = try await registry.zone("csv", base: operatorsZone)
            #expect(csv.isProblem(404, "unknown-format"))
            let plain = try await registry.zone(
                base: operatorsZone, as: "text/plain; charset=utf-8")
            #expect(plain.status == 200)
            let large = String(repeating: "; nothing at all\n", count: 600_000)
            let refused = try await registry.zone(base: large)
            #expect(refused.isProblem(413, "body-too-large"))
        }
    }

    @Test func `other exports have no zone`() async throws {
        try await withRegistry { registry in
            let answer = try await registry.get("/v1/export/csv?zone=kintone.com")
            #expect(answer.isProblem(400, "invalid-request"))
            let unknown = try await registry.get("/v1/export/bind")
            #expect(unknown.isProblem(404, "unknown-format"))
            #expect(unknown["detail"]?.text?.contains("octodns") == true)
        }
    }
}
