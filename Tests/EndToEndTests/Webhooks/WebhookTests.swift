import Foundation
import PostgresServer
import RegistryAPI
import RegistryClient
import RegistryModel
import TestRandom
import Testing

/// Deliveries of a whole registry to a real receiver.
@Suite("A webhook's receiver", .timeLimit(.minutes(10))) struct WebhookTests {
    private static let plain = ["--allow-plain-webhooks"]

    private static func start(_ folder: TestFolder) async throws -> ServerProcess {
        try await ServerProcess.start(in: folder, arguments: plain)
    }

    @Test func `is told of each step of a wave, signed`() async throws {
        let server = try await Self.start(TestFolder())
        let receiver = try await WebhookReceiver.start(secret: .random())
        let client = server.client
        try await client.registerAll((0..<150).map { "n\($0).example.com" })
        try await server.setWebhook(to: receiver, [.frozen, .moved, .rolledBack])
        let migration = try await client.plan(
            freeze: "read_only", names: (0..<150).map { "n\($0).example.com" })
        for step in [WaveVerb.freeze, .cutover, .rollback] {
            _ = try await client.take(step, of: migration)
        }
        let taken = try await receiver.taken(3)
        #expect(taken.map(\.event.notice.actions) == [[.frozen], [.moved], [.rolledBack]])
        #expect(taken.allSatisfy { $0.isVerified && $0.path == "/hooks/registry?key=hidden" })
        #expect(taken.allSatisfy { $0.host == "127.0.0.1:\(receiver.port)" })
        for delivery in taken {
            let notice = delivery.event.notice
            #expect(notice.count == 150 && notice.names.count == 100)
            #expect(notice.header.migration == migration.id && notice.header.wave == 1)
            #expect(notice.header.actor.name == "first-admin")
        }
        let revisions = taken.map(\.event.notice.header.revision)
        #expect(revisions == revisions.sorted())
        let shown = try await poll("nothing is left") { () -> ListedWebhook? in
            let webhook = try await client.webhook("chat").value
            return webhook.state?.progress.delivered?.revision == revisions.last ? webhook : nil
        }
        #expect(shown.state?.behind == 0 && shown.state?.progress.failure == nil)
        // Neither the secret nor what may be a password gets into the log.
        let secret = try String(contentsOf: receiver.folder.file("secret"), encoding: .utf8)
        #expect(!server.process.errors.contains("key=hidden"))
        #expect(!server.process.errors.contains(secret.dropFirst(6)))
        #expect(try await server.stop() == .code(0))
    }

    @Test
    func
        `that fails, redirects or says nothing is sent the same again, and what comes after waits`()
        async throws
    {
        let server = try await Self.start(TestFolder())
        let receiver = try await WebhookReceiver.start(secret: .random(), mode: "fail")
        try await server.setWebhook(to: receiver, [.registered])
        _ = try await server.client.register("a.example.com")
        _ = try await server.client.register("b.example.com")
        _ = try await receiver.attempts(1)
        for (mode, words) in [
            ("fail", "it answered 500"), ("redirect", "redirects aren't followed"),
            ("drop", "closed the connection"),
        ] {
            try receiver.become(mode)
            let error = try await poll("\(words) is shown") { () -> String? in
                let state = try await server.client.webhook("chat").value.state
                #expect(state?.behind == 2)
                return state?.progress.failure?.error.contains(words) == true ? words : nil
            }
            #expect(error == words)
        }
        try receiver.become("ok")
        let taken = try await receiver.taken(2)
        #expect(
            taken.compactMap(\.event.notice.names.first?.text) == [
                "a.example.com", "b.example.com",
            ])
        let attempts = try receiver.attempts
        #expect(Set(attempts.dropLast().map(\.id)).count == 1, "in order, under one id")
        #expect(attempts.allSatisfy { $0.path == "/hooks/registry?key=hidden" && $0.isVerified })
        let state = try await poll("it's well") { () -> ListedWebhook.State? in
            let state = try await server.client.webhook("chat").value.state
            return state?.behind == 0 ? state : nil
        }
        #expect(state.progress.failure == nil && state.progress.givenUp == 0)
        #expect(try await server.stop() == .code(0))
    }

    @Test func `that hangs holds up nobody else, and no stop`() async throws {
        let server = try await Self.start(TestFolder())
        let slow = try await WebhookReceiver.start(secret: .random(), mode: "wait")
        let quick = try await WebhookReceiver.start(secret: .random())
        try await server.setWebhook("slow", to: slow, [.registered])
        try await server.setWebhook("quick", to: quick, [.registered])
        for number in 0..<5 { _ = try await server.client.register("n\(number).example.com") }
        #expect(try await quick.taken(5).count == 5)
        #expect(try slow.attempts.count == 1 && slow.taken.isEmpty)
        let began = ContinuousClock.now
        #expect(try await server.stop() == .code(0))
        #expect(began.duration(to: .now) < .seconds(8), "less than an attempt may take")
    }

    @Test func `whose answer has no end is sent the next revision all the same`() async throws {
        let server = try await Self.start(TestFolder())
        let receiver = try await WebhookReceiver.start(secret: .random(), mode: "drip 200")
        try await server.setWebhook(to: receiver, [.registered])
        for number in 0..<3 { _ = try await server.client.register("n\(number).example.com") }
        #expect(try await receiver.taken(3).count == 3)
        try receiver.become("drip 500")
        _ = try await server.client.register("n3.example.com")
        let failure = try await poll("it fails") {
            try await server.client.webhook("chat").value.state?.progress.failure
        }
        #expect(failure.error == "it answered 500")
        #expect(try await server.stop() == .code(0))
    }

    @Test func `that answers 410 is sent no more, until it's set again`() async throws {
        let server = try await Self.start(TestFolder())
        let receiver = try await WebhookReceiver.start(secret: .random(), mode: "gone")
        try await server.setWebhook(to: receiver, [.registered])
        _ = try await server.client.register("a.example.com")
        _ = try await poll("it's disabled") { () -> Timestamp? in
            try await server.client.webhook("chat").value.state?.progress.disabledAt
        }
        try receiver.become("ok")
        _ = try await server.client.register("b.example.com")
        try await server.setWebhook(to: receiver, [.registered])
        _ = try await server.client.register("c.example.com")
        let taken = try await receiver.taken(1)
        #expect(taken.compactMap(\.event.notice.names.first?.text) == ["c.example.com"])
        #expect(try receiver.attempts.count == 2)
        #expect(try await server.stop() == .code(0))
    }

    @Test func `is known by its certificate, though the connection goes to an address`()
        async throws
    {
        let authority = try CertificateAuthority("receivers")
        let credentials = try authority.issue("localhost", isServer: true)
        let receiver = try await WebhookReceiver.start(
            secret: .random(), credentials: (credentials.certificate, credentials.key))
        let url = "https://localhost:\(receiver.port)/in"
        let folder = try TestFolder()
        let server = try await ServerProcess.start(
            in: folder,
            arguments: Self.plain + ["--webhook-ca-file", authority.certificate.path])
        try await server.setWebhook(to: receiver, url: url, [.registered])
        _ = try await server.client.register("a.example.com")
        let taken = try await receiver.taken(1)
        #expect(taken.first?.host == "localhost:\(receiver.port)")
        #expect(try await server.stop() == .code(0))

        let stranger = try CertificateAuthority("other")
        let again = try await ServerProcess.start(
            in: folder, arguments: Self.plain + ["--webhook-ca-file", stranger.certificate.path])
        _ = try await again.client.register("b.example.com")
        let error = try await poll("it's refused") { () -> String? in
            try await again.client.webhook("chat").value.state?.progress.failure?.error
        }
        #expect(error.lowercased().contains("certificate"), "\(error)")
        #expect(try receiver.attempts.count == 1)
        #expect(try await again.stop() == .code(0))
    }

    @Test func `on the registry's machine isn't sent anything any more where that isn't allowed`()
        async throws
    {
        let folder = try TestFolder()
        let receiver = try await WebhookReceiver.start(secret: .random())
        let first = try await Self.start(folder)
        try await first.setWebhook(to: receiver, [.registered])
        #expect(try await first.stop() == .code(0))
        let second = try await ServerProcess.start(in: folder)
        let refused = try await refusal {
            try await second.setWebhook("other", to: receiver, [.registered])
        }
        #expect(refused == "422 webhook-forbidden")
        _ = try await second.client.register("a.example.com")
        let error = try await poll("it's refused") { () -> String? in
            try await second.client.webhook("chat").value.state?.progress.failure?.error
        }
        #expect(error.contains("https is expected"))
        #expect(try receiver.attempts.isEmpty)
        #expect(try await second.stop() == .code(0))
    }

    @Test(arguments: [UInt64(1), 2])
    func `is sent each revision in order, at least once, however often the registry is killed`(
        seed: UInt64
    ) async throws {
        let folder = try TestFolder()
        let receiver = try await WebhookReceiver.start(secret: .random())
        var server = try await Self.start(folder)
        try await server.client.registerAll((0..<20).map { "n\($0).example.com" })
        try await server.setWebhook(to: receiver, [.moved])
        var random = SeededRandom(seed: seed)
        var revisions: [Revision] = []
        for round in 0..<6 {
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                let name = "n\(Int.random(in: 0..<20, using: &random)).example.com"
                revisions.append(try await server.client.moveElsewhere(name))
            }
            // Somewhere in the middle of deliveries.
            if Bool.random(using: &random) { _ = try await receiver.taken(revisions.count / 2) }
            if round % 2 == 0 {
                try receiver.become("wait")
                try await server.crash()
                try receiver.become("ok")
            } else {
                try await server.crash()
            }
            server = try await Self.start(folder)
        }
        let taken = try await receiver.taken(revisions.count)
        Self.judge(taken, revisions)
        #expect(try await server.stop() == .code(0))
    }

    /// The receiver's own log: nothing is left out, and nothing comes before what was before it. What comes again has its old id.
    static func judge(_ taken: [WebhookReceiver.Delivery], _ revisions: [Revision]) {
        var seen: [Revision] = []
        var ids: [Revision: String] = [:]
        for delivery in taken {
            let revision = delivery.event.notice.header.revision
            #expect(ids[revision] ?? delivery.id == delivery.id)
            ids[revision] = delivery.id
            if !seen.contains(revision) { seen.append(revision) }
            // One that comes again is the last that was taken: it wasn't noted.
            #expect(revision == seen.last, "\(revision) came after \(seen)")
        }
        #expect(seen == revisions)
        #expect(Set(ids.values).count == revisions.count)
    }

    @Test func `of two nodes is told by one, and by the other when that is killed`() async throws {
        let cluster = try await Cluster(PostgresServer.shared())
        let nodes = try await cluster.start(count: 2, arguments: Self.plain)
        let receiver = try await WebhookReceiver.start(secret: .random())
        try await nodes[1].client.registerAll((0..<4).map { "n\($0).example.com" })
        try await nodes[1].setWebhook(to: receiver, [.moved])
        var revisions: [Revision] = []
        // A node may lack what the other has just done: where they are is kept here.
        var there: Set<String> = []
        func move(_ node: ServerProcess, _ count: Int) async throws {
            for number in 0..<count {
                let name = "n\(number % 4).example.com"
                let isThere = there.remove(name) != nil
                if !isThere { there.insert(name) }
                revisions.append(try await node.client.move(name, to: isThere ? "japan" : "aws"))
            }
        }
        try await move(nodes[0], 8)
        try await move(nodes[1], 8)
        let first = try await receiver.taken(16)
        #expect(first.map(\.id) == first.map(\.id).uniqued, "one node delivers")

        // The one on duty is killed while the receiver has a delivery and hasn't answered.
        try receiver.become("wait")
        try await move(nodes[1], 3)
        _ = try await receiver.attempts(17)
        let duties = try await nodes.asyncMap { try await Self.isOnDuty($0) }
        let leader = try #require(duties.firstIndex(of: true))
        #expect(duties.count { $0 } == 1)
        try await nodes[leader].crash()
        try receiver.become("ok")
        try await move(nodes[1 - leader], 3)
        let all = try await receiver.taken(22)
        Self.judge(all, revisions)
        #expect(try await nodes[1 - leader].stop() == .code(0))
    }

    private static func isOnDuty(_ node: ServerProcess) async throws -> Bool {
        let answer = try await node.client.send(.GET, "/metrics")
        return String(buffer: answer.body).contains("\nregistry_store_on_duty 1\n")
    }
}

extension RegistryClient {
    fileprivate func move(_ name: String, to location: String) async throws -> Revision {
        try await change(name, DomainChangeRequest(PlacementText(location: location))).value
            .revision
    }

    /// There and back, each time.
    fileprivate func moveElsewhere(_ name: String) async throws -> Revision {
        let isThere = try await domain(name).value.location == "aws"
        return try await move(name, to: isThere ? "japan" : "aws")
    }
}

extension [String] {
    fileprivate var uniqued: [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}

extension [ServerProcess] {
    fileprivate func asyncMap<Value>(
        _ body: (ServerProcess) async throws -> Value
    ) async throws -> [Value] {
        var values: [Value] = []
        for each in self { values.append(try await body(each)) }
        return values
    }
}
