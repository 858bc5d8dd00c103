import RegistryAPI
import RegistryModel
import Testing

@Suite("The DNS of a location", .timeLimit(.minutes(15))) struct LocationDNSTests {
    private static func put(
        _ registry: RunningRegistry, dns: String?, signups: Bool = true
    ) async throws -> Answer {
        let dns = dns.map { #","dns":\#($0)"# } ?? ""
        return try await registry.send(
            .PUT, "/v1/locations/mars",
            json:
                #"{"upstream":"http://mars","accepts_signups":\#(signups),"default_for_signups":false\#(dns)}"#
        )
    }

    private static func listed(_ registry: RunningRegistry) async throws -> JSONValue? {
        try await registry.get("/v1/locations").items.first { $0["name"]?.text == "mars" }
    }

    private static func json(_ text: String) throws -> JSONValue {
        try JSONValue(parsing: Array(text.utf8))
    }

    @Test(
        arguments: [
            (
                #"{"a":["192.0.2.11","192.0.2.9","192.0.2.11"],"aaaa":["2001:DB8:0:0::10"]}"#,
                #"{"a":["192.0.2.9","192.0.2.11"],"aaaa":["2001:db8::10"]}"#
            ),
            (#"{"a":["0.0.0.0"]}"#, #"{"a":["0.0.0.0"]}"#),
            (#"{"a":[],"aaaa":["::ffff:192.0.2.1"]}"#, #"{"aaaa":["::ffff:192.0.2.1"]}"#),
            (#"{"cname":"LB.Example.NET."}"#, #"{"cname":"lb.example.net"}"#),
            (#"{"cname":"bücher.example"}"#, #"{"cname":"xn--bcher-kva.example"}"#),
            (
                #"{"alias":{"name":"Dualstack.lb.example.net","hosted_zone_id":"Z35SXDOTRQ7X7K"}}"#,
                #"{"alias":{"hosted_zone_id":"Z35SXDOTRQ7X7K","name":"dualstack.lb.example.net"}}"#
            ),
        ])
    func `is shown in its canonical form, in the list and in history`(
        sent: String, shown: String
    ) async throws {
        try await withRegistry { registry in
            let made = try await Self.put(registry, dns: nil)
            #expect(made.status == 201 && made["dns"] == nil)
            #expect(try await Self.listed(registry)?["dns"] == nil)
            let set = try await Self.put(registry, dns: sent)
            #expect(set.status == 200)
            let wanted = try Self.json(shown)
            #expect(set["dns"] == wanted)
            #expect(try await Self.listed(registry)?["dns"] == wanted)
            let head = try await registry.head()
            let same = try await Self.put(registry, dns: shown)
            #expect(same.bytes == set.bytes)
            #expect(try await registry.head() == head, "nothing changed")
            _ = try await Self.put(registry, dns: "null")
            let lines = try await registry.get("/v1/history?action=location_changed&order=asc")
                .items
            #expect(lines.map { $0["after"]?["dns"] } == [nil, wanted, nil])
            #expect(lines.map { $0["before"]?["dns"] } == [nil, nil, wanted])
        }
    }

    @Test func `stays where a request doesn't speak of it, and goes with null`() async throws {
        try await withRegistry { registry in
            _ = try await Self.put(registry, dns: #"{"cname":"lb.example.net"}"#)
            let wanted = try Self.json(#"{"cname":"lb.example.net"}"#)
            let closed = try await Self.put(registry, dns: nil, signups: false)
            #expect(closed["accepts_signups"] == .bool(false) && closed["dns"] == wanted)
            let default_ = try await registry.send(
                .PUT, "/v1/locations/aws",
                json:
                    #"{"upstream":"http://aws","accepts_signups":true,"default_for_signups":true}"#)
            #expect(default_.status == 200)
            #expect(try await Self.listed(registry)?["dns"] == wanted)
            let gone = try await Self.put(registry, dns: "null", signups: false)
            #expect(gone["dns"] == nil && gone["revision"]?.number == gone.revision)
            #expect(try await Self.listed(registry)?["dns"] == nil)
        }
    }

    private static let addresses = (1...17).map { #""192.0.2.\#($0)""# }.joined(separator: ",")
    private static let long = Array(repeating: String(repeating: "a", count: 61), count: 5)
        .joined(separator: ".")

    @Test(
        arguments: [
            ("{}", ["/dns/a required"]), ("[]", ["/dns wrong-type"]),
            (#""x""#, ["/dns wrong-type"]),
            (#"{"a":[]}"#, ["/dns/a too-short"]), (#"{"aaaa":[]}"#, ["/dns/aaaa too-short"]),
            (#"{"a":[],"aaaa":[]}"#, ["/dns/a too-short"]),
            (#"{"a":null}"#, ["/dns/a wrong-type"]),
            (#"{"a":"192.0.2.1"}"#, ["/dns/a wrong-type"]),
            (
                #"{"a":["192.0.2.1","192.0.2.256",7,"::1"],"aaaa":["::1%lo","1:2","192.0.2.1"]}"#,
                [
                    "/dns/a/1 invalid", "/dns/a/2 wrong-type", "/dns/a/3 invalid",
                    "/dns/aaaa/0 invalid", "/dns/aaaa/1 invalid", "/dns/aaaa/2 invalid",
                ]
            ),
            (#"{"a":[\#(addresses)]}"#, ["/dns/a too-long"]),
            (#"{"cname":"localhost"}"#, ["/dns/cname invalid"]),
            (#"{"cname":"a_b.example"}"#, ["/dns/cname invalid"]),
            (#"{"cname":"\#(long)"}"#, ["/dns/cname invalid"]),
            (#"{"cname":"192.0.2.1"}"#, ["/dns/cname invalid"]),
            (#"{"cname":null}"#, ["/dns/cname wrong-type"]),
            (#"{"a":["192.0.2.1"],"cname":"a.example"}"#, ["/dns/cname not-allowed"]),
            (
                #"{"cname":"a.example","alias":{"hosted_zone_id":"Z1","name":"a.example"}}"#,
                ["/dns/alias not-allowed"]
            ),
            (#"{"cname":"a.example","ttl":60}"#, ["/dns/ttl unknown-field"]),
            (#"{"alias":"Z1/a.example"}"#, ["/dns/alias wrong-type"]),
            (
                #"{"alias":{"x":1}}"#,
                [
                    "/dns/alias/hosted_zone_id required", "/dns/alias/name required",
                    "/dns/alias/x unknown-field",
                ]
            ),
            (
                #"{"alias":{"hosted_zone_id":"z1","name":"a"}}"#,
                ["/dns/alias/name invalid", "/dns/alias/hosted_zone_id invalid"]
            ),
            (
                #"{"alias":{"hosted_zone_id":"","name":"a.example"}}"#,
                ["/dns/alias/hosted_zone_id invalid"]
            ),
        ] as [(String, [String])])
    func `that won't do is refused, with a pointer to each member`(
        dns: String, complaints: [String]
    ) async throws {
        try await withRegistry { registry in
            let answer = try await Self.put(registry, dns: dns)
            #expect(answer.isProblem(400, "invalid-request"))
            #expect(Set(answer.complaints) == Set(complaints), "\(dns)")
            #expect(try await Self.listed(registry) == nil)
        }
    }

    /// Agents have upstreams, and no DNS: what they're told of a change of it alone is what they have.
    @Test func `isn't told to agents, whose table stays as it is`() async throws {
        try await withRegistry { registry in
            _ = try await Self.put(registry, dns: nil)
            let before = try await registry.get("/v1/snapshot").text
            let set = try await Self.put(registry, dns: #"{"cname":"lb.example.net"}"#)
            let after = try await registry.get("/v1/snapshot").text
            #expect(set.revision != nil && !after.contains("lb.example.net"))
            func header(_ text: String) throws -> JSONValue {
                try JSONValue(parsing: Array(text.prefix { $0 != "\n" }.utf8))
            }
            let (old, new) = (try header(before), try header(after))
            #expect(old["digest"] == new["digest"] && old["locations"] == new["locations"])
            #expect(old["revision"] != new["revision"])
        }
    }
}
