import DurableFiles
import Foundation
import RegistryAPI
import RegistryModel
import RoutingTable
import Testing

@testable import RegistryAgent

@Suite("Maps for proxies") struct MapPublisherTests {
    static func targets(_ folder: TestFolder, _ texts: String...) throws -> [MapTarget] {
        try texts.map { try #require(MapTarget($0.replacing("DIR", with: folder.url.path))) }
    }

    @Test func `have a line for each domain, by name, in each format`() async throws {
        let folder = try TestFolder()
        let targets = try Self.targets(
            folder, "nginx-map:DIR/n", "haproxy-map:DIR/h", "nginx-map:mode:DIR/m",
            "haproxy-map:upstream:DIR/u", "haproxy-map:placement:DIR/p")
        let publisher = MapPublisher(
            sampleTable(3), .init(targets: targets), logger: silent, applied: { _ in })
        try await publisher.publish()
        #expect(
            try folder.text("n")
                == "t0.kintone.com aws;\nt1.kintone.com japan;\nt2.kintone.com japan;\n")
        #expect(
            try folder.text("h")
                == "t0.kintone.com aws\nt1.kintone.com japan\nt2.kintone.com japan\n")
        #expect(
            try folder.text("m")
                == "t0.kintone.com serve;\nt1.kintone.com read_only;\nt2.kintone.com reject;\n")
        #expect(
            try folder.text("p")
                == "t0.kintone.com aws:serve\nt1.kintone.com japan:read_only\nt2.kintone.com japan:reject\n"
        )
        #expect(try folder.text("u").hasPrefix("t0.kintone.com http://aws.internal:8080\n"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).count == 5)
    }

    @Test func `are Traefik's own configuration where that is asked for, a line for each domain`()
        async throws
    {
        let folder = try TestFolder()
        let targets = try Self.targets(folder, "traefik-file:DIR/t.yaml")
        let table = sampleTable(3)
        // What an older registry may have taken; the file is a template to Traefik.
        var aws = location("aws")
        aws.settings.upstream = UpstreamURL(canonical: "http://a/{{env `PATH`}}")
        _ = table.apply(RevisionChanges(revision: Revision(8), locations: [.set(aws)]))
        try await MapPublisher(table, .init(targets: targets), logger: silent, applied: { _ in })
            .publish()
        let text = try folder.text("t.yaml")
        let lines = text.split(separator: "\n")
        #expect(lines.count == 4 && lines[3] == "}}}")
        #expect(!text.contains("{{") && lines[0].contains("http://a/%7B%7Benv `PATH`}}"))
        #expect(
            lines[0].hasSuffix(
                #","routers":{"t0.kintone.com":{"middlewares":["serve-aws"],"rule":"Host(`t0.kintone.com`)","service":"aws"}"#
            ))
        #expect(lines[1].hasPrefix(#","t1.kintone.com":{"middlewares":["read_only-japan"],"#))
        #expect(
            lines[1].hasSuffix(
                #","-t1.kintone.com":{"middlewares":["-held"],"rule":"Host(`t1.kintone.com`)","service":"-held"}"#
            ))
        #expect(
            lines[2]
                == #","t2.kintone.com":{"middlewares":["-held"],"rule":"Host(`t2.kintone.com`)","service":"-held"}"#
        )
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).count == 1)
    }

    /// A router to a service that isn't there would be none, and the site unknown.
    @Test func `hold a domain in Traefik's whose location nobody knows`() throws {
        var line: [UInt8] = []
        TraefikConfiguration([]).appendRouters(
            "a.b", at: LocationName(canonical: "mars"), .serve, isFirst: false, to: &line)
        #expect(String(decoding: line, as: UTF8.self).contains(#""service":"-held""#))
    }

    @Test func `are bounded and guarded where they're Traefik's, too`() async throws {
        let folder = try TestFolder()
        let table = sampleTable(100)
        let name = "t.yaml"
        var settings = MapPublisher.Settings(
            targets: try Self.targets(folder, "traefik-file:DIR/\(name)"))
        settings.longestKey = 10
        let bounded = MapPublisher(table, settings, logger: silent, applied: { _ in })
        await #expect(throws: MapFile.InvalidLine.self) { try await bounded.publish() }
        settings.longestKey = FQDN.maximumBytes
        try await MapPublisher(table, settings, logger: silent, applied: { _ in }).publish()
        let before = try folder.text(name)
        for count in [0, 69] {
            load(table, count, revision: 9)
            let publisher = MapPublisher(table, settings, logger: silent, applied: { _ in })
            await #expect(throws: MapPublisher.Failure.self) { try await publisher.publish() }
            #expect(try folder.text(name) == before)
        }
        load(table, 71, revision: 10)
        try await MapPublisher(table, settings, logger: silent, applied: { _ in }).publish()
        #expect(try folder.text(name) != before)
    }

    @Test func `have a change at once after a rest`() async throws {
        let folder = try TestFolder()
        let applied = Shared<Position?>(nil)
        var settings = MapPublisher.Settings(targets: try Self.targets(folder, "nginx-map:DIR/n"))
        // As long as no test waits.
        settings.debounce = .seconds(86_400)
        let publisher = MapPublisher(sampleTable(5), settings, logger: silent) { position in
            applied.change { $0 = position }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await publisher.run() }
            publisher.wakeup.wake()
            try await eventually("applied") { applied.value != nil }
            group.cancelAll()
        }
        #expect(try folder.text("n").hasPrefix("t0.kintone.com aws;\n"))
    }

    @Test func `rest as long as the last took, unless it's said how long`() throws {
        let folder = try TestFolder()
        var settings = MapPublisher.Settings(targets: try Self.targets(folder, "nginx-map:DIR/n"))
        func rest(_ milliseconds: Int) -> Duration {
            MapPublisher(sampleTable(5), settings, logger: silent, applied: { _ in })
                .rest(after: .milliseconds(milliseconds))
        }
        #expect(rest(3) == .milliseconds(3))
        #expect(rest(120) == .milliseconds(120))
        #expect(rest(20_000) == .milliseconds(200))
        settings.debounce = .seconds(5)
        #expect(rest(3) == .seconds(5))
        settings.debounce = .zero
        #expect(rest(3) == .zero)
    }

    @Test func `aren't replaced by one with a name that the proxy has no room for`() async throws {
        let folder = try TestFolder()
        let table = sampleTable(3)
        var settings = MapPublisher.Settings(
            targets: try Self.targets(folder, "nginx-map:DIR/n", "nginx-map:mode:DIR/m"))
        settings.longestKey = 40
        let publisher = MapPublisher(table, settings, logger: silent, applied: { _ in })
        try await publisher.publish()
        let before = try folder.text("n")
        let fits = String(repeating: "a", count: 28) + ".kintone.com"
        for (name, isTaken) in [(fits, true), ("a" + fits, false)] {
            let domain = Domain(
                fqdn: FQDN(canonical: name),
                placement: Placement(
                    location: LocationName(canonical: "aws"), mode: .serve, tenant: nil, fence: nil),
                revision: Revision(8), registeredAt: Timestamp(milliseconds: 1),
                changedAt: Timestamp(milliseconds: 1))
            let next = try #require(table.position).revision.next
            _ = table.apply(RevisionChanges(revision: next, domains: [.set(domain)]))
            if isTaken {
                try await publisher.publish()
            } else {
                let error = await #expect(throws: MapFile.InvalidLine.self) {
                    try await publisher.publish()
                }
                #expect(error?.description.contains(name) == true)
            }
        }
        #expect(try folder.text("n") == "\(fits) aws;\n" + before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).count == 2)
    }

    @Test func `aren't replaced by an empty or a much smaller one`() async throws {
        let folder = try TestFolder()
        let table = sampleTable(100)
        var settings = MapPublisher.Settings(targets: try Self.targets(folder, "nginx-map:DIR/n"))
        try await MapPublisher(table, settings, logger: silent, applied: { _ in }).publish()
        let before = try folder.text("n")
        for count in [0, 69] {
            load(table, count, revision: 9)
            // Another process too knows by the file what was there.
            let publisher = MapPublisher(table, settings, logger: silent, applied: { _ in })
            await #expect(throws: MapPublisher.Failure.self) { try await publisher.publish() }
            #expect(try folder.text("n") == before)
        }
        settings.admission.acceptsShrink = true
        try await MapPublisher(table, settings, logger: silent, applied: { _ in }).publish()
        #expect(try folder.text("n").split(separator: "\n").count == 69)
        load(table, 0, revision: 10)
        try await MapPublisher(table, settings, logger: silent, applied: { _ in }).publish()
        #expect(try folder.text("n").isEmpty)
    }

    @Test func `take the place of a file that somebody made before, whatever he says in it`()
        async throws
    {
        let folder = try TestFolder()
        let said = String(repeating: "# who lives where\n", count: 25) + "t0.kintone.com aws;\n"
        try Data(said.utf8).write(to: URL(fileURLWithPath: folder.path("n")))
        let targets = try Self.targets(folder, "nginx-map:DIR/n")
        try await MapPublisher(
            sampleTable(3), .init(targets: targets), logger: silent, applied: { _ in }
        ).publish()
        #expect(try folder.text("n").hasPrefix("t0.kintone.com aws;\nt1."))
    }

    @Test func `follow a small table that one tenant leaves`() async throws {
        let folder = try TestFolder()
        let table = sampleTable(3)
        let settings = MapPublisher.Settings(targets: try Self.targets(folder, "nginx-map:DIR/n"))
        try await MapPublisher(table, settings, logger: silent, applied: { _ in }).publish()
        load(table, 2, revision: 9)
        let applied = Shared<[Position]>([])
        try await MapPublisher(
            table, settings, logger: silent,
            applied: { position in applied.change { $0.append(position) } }
        ).publish()
        #expect(try folder.text("n").split(separator: "\n").count == 2)
        #expect(applied.value.map(\.revision) == [Revision(9)])
    }

    @Test func `are written where a link leads, and for the same readers`() async throws {
        let folder = try TestFolder()
        let files = FileManager.default
        try Data("old\n".utf8).write(to: URL(fileURLWithPath: folder.path("real")))
        try files.setAttributes([.posixPermissions: 0o640], ofItemAtPath: folder.path("real"))
        try files.createSymbolicLink(
            atPath: folder.path("n"), withDestinationPath: folder.path("real"))
        let targets = try Self.targets(folder, "nginx-map:DIR/n")
        try await MapPublisher(
            sampleTable(3), .init(targets: targets), logger: silent, applied: { _ in }
        ).publish()
        #expect(try files.destinationOfSymbolicLink(atPath: folder.path("n")).hasSuffix("real"))
        #expect(try folder.text("real").hasPrefix("t0.kintone.com aws;\n"))
        let mode = try files.attributesOfItem(atPath: folder.path("real"))[.posixPermissions]
        #expect(mode as? Int == 0o640)
    }

    @Test(arguments: ["", "a b", "a;", "a\nb", "A.b", "a{", "\"a\"", "a.b#", "é.com"])
    func `have no line for what isn't a host`(name: String) {
        var line: [UInt8] = []
        #expect(throws: MapFile.InvalidLine.self) {
            try name.withBytes { try MapFile.append($0, Array("japan".utf8), .nginx, to: &line) }
        }
        #expect(line.isEmpty)
    }

    @Test(arguments: ["", "a b", "a\nb", "a\u{0}", "é"])
    func `have no line for what isn't a value`(value: String) {
        var line: [UInt8] = []
        #expect(throws: MapFile.InvalidLine.self) {
            try "a.b".withBytes { try MapFile.append($0, Array(value.utf8), .haproxy, to: &line) }
        }
        #expect(line.isEmpty)
    }

    @Test func `stay as they were where one of them can't be written`() async throws {
        let folder = try TestFolder()
        let table = sampleTable(10)
        let targets = try Self.targets(folder, "nginx-map:DIR/n", "nginx-map:mode:DIR/m")
        let publisher = MapPublisher(
            table, .init(targets: targets), logger: silent, applied: { _ in })
        try await publisher.publish()
        let before = try folder.text("n")
        load(table, 10, revision: 9, at: "aws")
        try FileManager.default.removeItem(atPath: folder.path("m"))
        try FileManager.default.createDirectory(
            atPath: folder.path("m"), withIntermediateDirectories: false)
        await #expect(throws: FileFailure.self) { try await publisher.publish() }
        #expect(try folder.text("n") == before)
    }
}

extension String {
    fileprivate func withBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        var copy = self
        return try copy.withUTF8 { try body(UnsafeRawBufferPointer($0)) }
    }
}
