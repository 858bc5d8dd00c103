import RegistryAPI
import RegistryDNS
import RegistryHTTP
import RegistryModel
import Testing

/// What PowerDNS' remote backend is answered; `PowerDNSServerTests` has PowerDNS itself.
@Suite("Answers to PowerDNS", .timeLimit(.minutes(15))) struct PowerDNSTests {
    private static func settings(_ base: String = operatorsZone) throws -> RegistrySettings {
        let zone = try FQDN("kintone.com")
        let base = try BaseZone(masterFile: Array(base.utf8), zone: zone)
        return .with {
            $0.http.zones = [
                LiveZoneOptions(
                    zone: zone, defaultLocation: LocationName(canonical: "japan"), base: base)
            ]
        }
    }

    private static func lookUp(
        _ registry: RunningRegistry, _ name: String, _ type: String = "ANY"
    ) async throws -> (status: Int, records: [String]) {
        let answer = try await registry.get(
            "/v1/powerdns/lookup/\(name)/\(type)", as: .role(.reader))
        let records = answer["result"]?.array.map {
            "\($0["qtype"]?.text ?? "-") \($0["content"]?.text ?? "-")"
        }
        return (answer.status, records ?? [])
    }

    @Test func `are a name's own records, the wildcard's, or none`() async throws {
        try await withRegistry(Self.settings()) { registry in
            try await registry.reach()
            try await registry.register("acme.kintone.com", location: "aws")
            try await registry.register("a.b.kintone.com", location: "aws")
            for (name, status, records) in [
                ("acme.kintone.com.", 200, ["A 198.51.100.7"]),
                ("ACME.kintone.com.", 200, ["A 198.51.100.7"]),
                ("*.kintone.com.", 200, ["A 192.0.2.10", "AAAA 2001:db8::10"]),
                ("%2A.kintone.com.", 200, ["A 192.0.2.10", "AAAA 2001:db8::10"]),
                ("*.acme.kintone.com.", 200, ["A 192.0.2.10", "AAAA 2001:db8::10"]),
                ("a.b.kintone.com.", 200, ["A 198.51.100.7"]),
                // Nobody has it, but it lies between: the wildcard's, for no wildcard answers there.
                ("b.kintone.com.", 200, ["A 192.0.2.10", "AAAA 2001:db8::10"]),
                ("*.b.kintone.com.", 200, ["A 192.0.2.10", "AAAA 2001:db8::10"]),
                ("desk.kintone.com.", 200, ["A 203.0.113.80"]),
                ("_acme-challenge.acme.kintone.com.", 200, ["TXT \"token\""]),
                ("other.kintone.com.", 404, []),
                ("kintone.net.", 404, []), ("com.", 404, []), (".", 404, []),
            ] as [(String, Int, [String])] {
                let found = try await Self.lookUp(registry, name)
                #expect(found.status == status, "\(name)")
                #expect(found.records == records, "\(name)")
            }
            let aaaa = try await Self.lookUp(registry, "acme.kintone.com.", "AAAA")
            #expect(aaaa.status == 404 && aaaa.records.isEmpty)
            let a = try await Self.lookUp(registry, "*.kintone.com.", "A")
            #expect(a.records == ["A 192.0.2.10"])
        }
    }

    @Test func `follow the table`() async throws {
        try await withRegistry(Self.settings()) { registry in
            try await registry.reach()
            #expect(try await Self.lookUp(registry, "x.y.kintone.com.").status == 404)
            #expect(try await Self.lookUp(registry, "y.kintone.com.").status == 404)
            try await registry.register("x.y.kintone.com", location: "aws")
            #expect(
                try await Self.lookUp(registry, "x.y.kintone.com.").records == ["A 198.51.100.7"])
            #expect(try await Self.lookUp(registry, "y.kintone.com.").status == 200)
            try await registry.send(
                .PATCH, "/v1/domains/x.y.kintone.com", json: #"{"location":"japan"}"#)
            #expect(
                try await Self.lookUp(registry, "x.y.kintone.com.").records
                    == ["A 192.0.2.10", "AAAA 2001:db8::10"])
            try await registry.reach(japan: #"{"a":["192.0.2.99"]}"#)
            #expect(try await Self.lookUp(registry, "x.y.kintone.com.").records == ["A 192.0.2.99"])
            try await registry.send(.DELETE, "/v1/domains/x.y.kintone.com")
            #expect(try await Self.lookUp(registry, "x.y.kintone.com.").status == 404)
            #expect(try await Self.lookUp(registry, "y.kintone.com.").status == 404)
        }
    }

    @Test func `have the zone's SOA, and the zone as transfers have it`() async throws {
        try await withRegistry(Self.settings()) { registry in
            try await registry.reach()
            try await registry.register("acme.kintone.com", location: "aws")
            let exported = try await registry.zone(base: operatorsZone)
            let serial = try #require(exported.zoneSerial)
            let soa = try await Self.lookUp(registry, "kintone.com.", "SOA")
            #expect(
                soa.records == [
                    "SOA ns1.example.net. hostmaster.example.net. \(serial) 3600 600 1209600 60"
                ])
            let apex = try await Self.lookUp(registry, "kintone.com.")
            #expect(apex.records.count == 3 && apex.records.first == soa.records.first)
            let list = try await registry.get("/v1/powerdns/list/1/kintone.com.")
            let listed = list["result"]?.array.map {
                "\($0["qname"]?.text?.dropLast() ?? "") \($0["qtype"]?.text ?? "") \($0["content"]?.text ?? "")"
            }
            #expect(listed?.dropFirst() == exported.zoneRecords[...])
            for path in ["getDomainInfo/kintone.com.", "getAllDomains"] {
                let answer = try await registry.get("/v1/powerdns/\(path)")
                let info = answer["result"]?.array.first ?? answer["result"]
                #expect(info?["zone"]?.text == "kintone.com." && info?["serial"]?.number == serial)
            }
            #expect(try await registry.get("/v1/powerdns/getDomainInfo/other.com.").status == 404)
        }
    }

    @Test(
        arguments: [
            "getAllDomainMetadata/kintone.com.", "getDomainMetadata/kintone.com./NSEC3PARAM",
            "getDomainKeys/kintone.com./0", "setNotified/1", "", "lookup", "lookup/a", "x/y/z",
        ])
    func `to other calls are those of a backend that has nothing of it`(path: String) async throws {
        try await withRegistry(Self.settings()) { registry in
            try await registry.reach()
            let answer = try await registry.get("/v1/powerdns/\(path)")
            #expect(path.isEmpty ? answer.status == 404 : answer.status == 200)
            if !path.hasPrefix("get"), !path.isEmpty { #expect(answer["result"] == .bool(false)) }
        }
    }

    /// PowerDNS takes 404 for "by the wildcard".
    @Test func `are 503 without a table, never 404`() async throws {
        var settings = try Self.settings()
        settings.isLoaded = false
        settings.http.allowsAnonymousReads = true
        try await withRegistry(settings) { registry in
            for path in ["lookup/acme.kintone.com./ANY", "lookup/other.net./A", "getAllDomains"] {
                let answer = try await registry.get("/v1/powerdns/\(path)", as: .nobody)
                #expect(answer.isProblem(503, "not-ready"))
            }
        }
    }

    @Test func `are readers' to have`() async throws {
        try await withRegistry(Self.settings()) { registry in
            try await registry.reach()
            let path = "/v1/powerdns/lookup/desk.kintone.com./A"
            #expect(try await registry.get(path, as: .nobody).isProblem(401, "unauthenticated"))
            #expect(try await registry.get(path, as: .role(.reader)).status == 200)
        }
    }
}
