import RegistryDNS
import RegistryHTTP
import RegistryModel
import Testing

/// The operator's part of the zones that the tests make.
let operatorsZone = """
    $ORIGIN kintone.com.
    $TTL 3600
    @ IN SOA ns1.example.net. hostmaster.example.net. 7 3600 600 1209600 60
    @ IN NS ns1.example.net.
    @ IN MX 10 mail.example.net.
    desk IN A 203.0.113.80
    _acme-challenge.acme IN TXT "token"
    """

extension RunningRegistry {
    /// Says how both places are reached.
    func reach(
        japan: String = #"{"a":["192.0.2.10"],"aaaa":["2001:db8::10"]}"#,
        aws: String = #"{"a":["198.51.100.7"]}"#, at place: SourceLocation = #_sourceLocation
    ) async throws {
        for (name, dns, isDefault) in [("aws", aws, true), ("japan", japan, false)] {
            let answer = try await send(
                .PUT, "/v1/locations/\(name)",
                json: """
                    {"upstream":"http://\(name).internal","accepts_signups":true,
                    "default_for_signups":\(isDefault),"dns":\(dns)}
                    """, at: place)
            try #require(answer.status < 300, sourceLocation: place)
        }
    }

    func zone(
        _ format: String = "zone", _ query: String = "zone=kintone.com&default=japan",
        as sender: Sender = .role(.reader), headers: [(String, String)] = [],
        at place: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        try await get("/v1/export/\(format)?\(query)", as: sender, headers: headers, at: place)
    }

    func zone(
        _ format: String = "zone", _ query: String = "zone=kintone.com&default=japan",
        base: String, as type: String = "text/dns", _ sender: Sender = .role(.operator_),
        at place: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        try await send(
            .POST, "/v1/export/\(format)?\(query)", as: sender, bytes: Array(base.utf8),
            headers: [("Content-Type", type)], at: place)
    }
}

extension Answer {
    /// A master file's records: owner, type and value, without those of the SOA.
    var zoneRecords: [String] {
        text.split(separator: "\n").filter { !$0.hasPrefix(";") }.compactMap { line in
            let fields = line.split(separator: "\t", maxSplits: 4)
            guard fields.count == 5, fields[3] != "SOA" else { return nil }
            return "\(fields[0].dropLast()) \(fields[3]) \(fields[4])"
        }
    }

    /// Of a master file.
    var zoneSerial: Int64? {
        let soa = text.split(separator: "\n").first { $0.contains("\tSOA\t") }
        return soa.flatMap { $0.split(separator: " ").dropFirst(2).first }.flatMap { Int64($0) }
    }

    var remarks: [String] {
        text.split(separator: "\n").filter { $0.hasPrefix("; ") || $0.hasPrefix("# ") }
            .map { String($0.dropFirst(2)) }
    }
}
