import Foundation
import RegistryDNS
import Testing

@testable import TenantRegistry

@Suite("dns diff --route53", .timeLimit(.minutes(15))) struct Route53Tests {
    private static let zone = DNSWorld.zone
    private static let arguments = ["--zone", zone, "--default", "japan", "--ttl", "60"]

    private func difference(
        _ world: DNSWorld, _ route53: Route53Server, _ more: String...
    ) async throws -> CommandRun {
        let list = try await route53.list()
        return try await world.registry.run(
            ["dns", "diff"] + Self.arguments + ["--route53", list.path] + more)
    }

    /// What the zone is after the batches, which keep the quotas, and let no name be unanswered between.
    private func apply(
        _ difference: CommandRun, to route53: Route53Server, names: [String]
    ) async throws {
        try #require(difference.exit == .code(0), "\(difference.errors)")
        let before = try answers(
            String(contentsOf: route53.listed, encoding: .utf8), names)
        for line in difference.lines { try checkQuotas(line) }
        let states = try await route53.apply(difference.output).map { try answers($0, names) }
        let after = states.last ?? before
        for state in states {
            for name in names {
                let answer = state[name]
                #expect(answer == before[name] || answer == after[name], "\(name): \(answer ?? [])")
            }
        }
    }

    /// What visitors of each name get.
    private func answers(_ list: String, _ names: [String]) throws -> [String: Set<String>] {
        let served = try Route53File.read(Array(list.utf8), zone: Self.zone)
        let zone = ZoneAnswers(zone: Self.zone, served.map(\.set))
        return Dictionary(
            uniqueKeysWithValues: names.map { name in
                guard case .sets(let sets) = zone.answer(name) else { return (name, []) }
                return (name, Set(sets.map { "\($0.type) \($0.data)" }))
            })
    }

    private struct Batch: Decodable {
        var Comment: String
        var Changes: [Change]

        struct Change: Decodable {
            var Action: String
            var ResourceRecordSet: Records
        }

        struct Records: Decodable {
            var ResourceRecords: [Value]?
        }

        struct Value: Decodable {
            var Value: String
        }
    }

    private func checkQuotas(_ line: String) throws {
        let batch = try JSONDecoder().decode(Batch.self, from: Data(line.utf8))
        var (records, characters) = (0, 0)
        for change in batch.Changes {
            let times = change.Action == "UPSERT" ? 2 : 1
            let values = change.ResourceRecordSet.ResourceRecords ?? []
            records += times * values.count
            characters += times * values.reduce(0) { $0 + $1.Value.count }
        }
        #expect(records <= 1000 && characters <= 32_000)
    }

    @Test func `makes Route 53's zone the registry's, there and back, and never in between`()
        async throws
    {
        let world = try await DNSWorld.start()
        let route53 = try await Route53Server.start(Self.zone)
        // More than a batch holds.
        let many = (0..<340).map { "m\($0).kintone.com" }
        let list = try world.folder.write(
            (["fqdn,location"] + many.map { "\($0),aws" }).joined(separator: "\n"), to: "many.csv")
        _ = try await world.registry.succeed("import", list.path)
        let names =
            many + many.map { "x.\($0)" }
            + DNSWorld.answers.keys.map { "\($0).kintone.com" } + ["fresh.kintone.com"]
        let first = try await difference(world, route53)
        #expect(first.lines.count == 2, "\(first.errors)")
        #expect(first.output.hasPrefix(#"{"Comment":"part 1 of 2, through revision "#))
        try await apply(first, to: route53, names: names)
        #expect(try await difference(world, route53).output == "")

        // An address for a name, and back, and an alias: types change together. moto refuses to create again what was deleted,
        // so no address comes twice.
        for change in [
            ["--dns-cname", "edge.example.net"], ["--dns-a", "198.51.100.21"],
            ["--dns-alias", "Z1/lb.example.net"], ["--dns-a", "198.51.100.22"],
        ] {
            _ = try await world.registry.succeed("locations", "set", "aws", "--no-dns")
            let set = try await world.registry.run(["locations", "set", "aws"] + change)
            try #require(set.exit == .code(0), "\(set.errors)")
            let changed = try await difference(
                world, route53, "--former-target", "198.51.100.20", "--former-target",
                "edge.example.net", "--former-target", "198.51.100.21", "--former-target",
                "Z1/lb.example.net")
            #expect(changed.errors.contains("left as they are: 0"), "\(changed.errors)")
            try await apply(changed, to: route53, names: names)
            #expect(try await difference(world, route53).output == "")
        }

        // The default location changes, and some move.
        for name in ["home", "acme", "a.b", "y.acme"] {
            try await world.move(name, to: name == "home" || name == "y.acme" ? "aws" : "japan")
        }
        try await apply(try await difference(world, route53), to: route53, names: names)
        #expect(try await difference(world, route53).output == "")
        try await route53.stop()
        try await world.registry.crash()
    }

    @Test func `leaves the operator's records as they are`() async throws {
        let world = try await DNSWorld.shared
        let route53 = try await Route53Server.start(Self.zone)
        func create(_ name: String, _ type: String, _ value: String, _ more: String = "") -> String
        {
            let values = #""ResourceRecords":[{"Value":"\#(value)"}]"#
            let set =
                #"{"Name":"\#(name).kintone.com.","Type":"\#(type)","TTL":300,\#(more)\#(values)}"#
            return #"{"Action":"CREATE","ResourceRecordSet":\#(set)}"#
        }
        let made = [
            create("mine", "A", "192.0.2.80"), create("acme", "A", "203.0.113.1"),
            create("mail", "MX", "10 mail.example.net."),
            create("_acme-challenge.globex", "TXT", #"\"token\""#),
            create("a.b", "A", "198.51.100.20", #""SetIdentifier":"one","Weight":1,"#),
        ]
        _ = try await route53.apply("{\"Changes\":[\(made.joined(separator: ","))]}\n")
        let first = try await difference(world, route53)
        #expect(first.exit == .code(0))
        for name in ["mine", "acme", "a.b"] {
            #expect(
                first.errors.contains("left as it is: \(name).kintone.com has the operator's A"),
                "\(first.errors)")
            #expect(!first.output.contains("\"\(name).kintone.com.\""))
        }
        #expect(!first.output.contains("DELETE"))
        _ = try await route53.apply(first.output)
        let list = try String(contentsOf: try await route53.list(), encoding: .utf8)
        for value in ["192.0.2.80", "203.0.113.1", "10 mail.example.net.", "token", "Weight"] {
            #expect(list.contains(value))
        }
        #expect(try await difference(world, route53).output == "")
        try await route53.stop()
    }

    @Test func `refuses a list that isn't the whole zone`() async throws {
        let world = try await DNSWorld.shared
        for text in [
            #"{"ResourceRecordSets":[],"NextToken":"x"}"#, #"{"ResourceRecordSets":[]}"#, "x",
        ] {
            let file = try world.folder.write(text, to: "part.json")
            let run = try await world.registry.run(
                ["dns", "diff"] + Self.arguments + ["--route53", file.path])
            #expect(run.exit == .code(2) && run.output == "", "\(run.errors)")
        }
        let run = try await world.registry.run(["dns", "diff"] + Self.arguments)
        #expect(run.exit == .code(2))
    }
}
