import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel
import Testing

/// A registry of one large wave that is killed in the middle of a step, and looked at closely
/// before and after its next start.
struct WaveCrash {
    static let size = 100_000
    static let names = (0..<size).map { "t\($0).example.com" }

    let folder: TestFolder
    /// Stopped, with all names at japan and a plan to move them; each life begins with a copy.
    private let original: URL
    private let planned: Migration
    private(set) var server: ServerProcess
    private(set) var migration: Migration
    /// The state of the wave, and the last revision, as far as answers have told.
    private(set) var state = "planned"
    private var head: Int
    /// How long each step takes undisturbed.
    private let durations: [WaveVerb: Duration]
    private(set) var kills: [WaveVerb: Int] = [:]
    /// Kills after which the step turned out to have been done, and the others.
    private(set) var outcomes = (done: 0, undone: 0)
    private var lives = 0

    private static let arguments = ["--access-log", "off", "--drain-seconds", "0"]

    init() async throws {
        folder = try TestFolder()
        original = folder.file("original")
        let first = try await ServerProcess.start(
            in: folder, data: original, arguments: Self.arguments)
        try await first.client.registerAll(Self.names)
        planned = try await first.client.plan()
        try #require(try await first.stop() == .code(0))
        migration = planned
        (server, head) = try await Self.live(folder, original, "undisturbed")
        durations = try await Self.measure(server.client, planned)
        try await server.crash()
        (server, head) = try await Self.live(folder, original, "life-0")
    }

    private static func live(
        _ folder: TestFolder, _ original: URL, _ name: String
    ) async throws -> (ServerProcess, Int) {
        let data = folder.file(name)
        try FileManager.default.copyItem(at: original, to: data)
        let server = try await ServerProcess.start(in: folder, data: data, arguments: arguments)
        let position = try #require(try await server.client.send(.GET, "/v1/stats").position)
        return (server, Int(position.revision))
    }

    private static func measure(
        _ registry: RegistryClient, _ planned: Migration
    ) async throws -> [WaveVerb: Duration] {
        var durations: [WaveVerb: Duration] = [:]
        func take(_ verb: WaveVerb, _ migration: Migration) async throws {
            let started = ContinuousClock.now
            _ = try await registry.take(verb, of: migration)
            durations[verb] = started.duration(to: .now)
        }
        try await take(.cutover, planned)
        try await take(.rollback, planned)
        try await take(.freeze, registry.plan(freeze: "read_only"))
        return durations
    }

    /// Begins again from the copy.
    mutating func beginAnew() async throws {
        try await server.crash()
        try FileManager.default.removeItem(at: server.data)
        lives += 1
        (server, head) = try await Self.live(folder, original, "life-\(lives)")
        (migration, state) = (planned, "planned")
    }

    /// Another plan for the same domains, which the last one has brought back.
    mutating func planAgain(freeze: String) async throws {
        migration = try await server.client.plan(freeze: freeze)
        state = "planned"
        head += 1
    }

    /// Kills the service at some moment of a step, again and again with one key, until the step
    /// turns out to have been done. The service is repeated the step, to do or to answer again.
    mutating func kill(during verb: WaveVerb, upTo limit: Int) async throws {
        let key = UUID().uuidString
        for attempt in 1...limit {
            let answer = try await killOnce(during: verb, key)
            let hasHappened = try await checkStopped(verb)
            if hasHappened { outcomes.done += 1 } else { outcomes.undone += 1 }
            if let answer { try #require(hasHappened, "acknowledged and lost: \(answer)") }
            server = try await ServerProcess.start(
                in: folder, data: server.data, arguments: Self.arguments)
            try await checkRunning()
            // Undone, it's killed again or, the last time, let be.
            guard hasHappened || attempt == limit else { continue }
            let again = try await server.client.take(verb, of: migration, key: key)
            try #require(again.isReplay == hasHappened)
            if let answer { try #require(again.body == answer.body) }
            let step = try again.decode(WaveStepResponse.self)
            try #require(step.count == Self.size)
            if !hasHappened { (head, state) = (head + 1, verb.state) }
            try #require(step.revision.number == Int64(head))
            try await checkRunning()
            return
        }
    }

    private mutating func killOnce(
        during verb: WaveVerb, _ key: String
    ) async throws -> RegistryClient.Answer? {
        kills[verb, default: 0] += 1
        let moment = (durations[verb] ?? .seconds(1)) * Double.random(in: 0...1)
        let (server, migration) = (server, migration)
        async let crash: Void = {
            try await Task.sleep(for: moment)
            try await server.crash()
        }()
        var answer: RegistryClient.Answer?
        do {
            answer = try await server.client.take(verb, of: migration, key: key)
        } catch ClientError.unreachable {
            // Done or not: only the store can tell.
        }
        try await crash
        return answer
    }

    /// What the disk holds, before anybody else opens the store.
    /// - Returns: whether the step has happened.
    private mutating func checkStopped(_ verb: WaveVerb) async throws -> Bool {
        let store = StoppedStore(folder: folder, data: server.data)
        let wave = try await store.wave(of: migration.id)
        guard wave.head != head else {
            try #require(wave.state == state, "\(wave)")
            try #require(wave.places == ["\(place) \(Self.size)"], "\(wave)")
            try #require(wave.current == (wave.revision > 0 ? Self.size : 0), "\(wave)")
            return false
        }
        (head, state) = (head + 1, verb.state)
        try #require(
            wave
                == .init(
                    head: head, state: state, revision: head, lines: Self.size,
                    places: ["\(place) \(Self.size)"], current: Self.size))
        return true
    }

    /// What the service shows of it.
    private func checkRunning() async throws {
        let registry = server.client
        let now = try await registry.migration(migration.id).value
        try #require(now.waves.map(\.state.rawValue) == [state])
        let statistics = try await registry.statistics()
        try #require(statistics.revision.number == Int64(head))
        let parts = place.split(separator: " ")
        for location in statistics.locations {
            let isHere = location.location.text == parts[0]
            try #require(location.domains == (isHere ? Self.size : 0))
            try #require(location.frozen == (isHere && parts[1] != "serve" ? Self.size : 0))
        }
        let start = Int.random(in: 0..<Self.size - 1_000)
        let poller = WavePoller(Array(Self.names[start..<start + 1_000]), at: server)
        let sighting = try #require(poller.lookOnce(), "\(poller.broken)")
        try #require(sighting == .init(revision: Int64(head), place: place))
    }

    /// Where all domains must be.
    private var place: String {
        switch state {
        case "frozen": "japan \(migration.freeze.rawValue)"
        case "moved": "aws serve"
        default: "japan serve"
        }
    }

    /// Ends in good order, and recomputes the digests.
    func finish() async throws {
        try #require(try await server.stop() == .code(0))
        let words = try await StoppedStore(folder: folder, data: server.data).verify()
        #expect(words.hasPrefix("the chain holds"))
    }
}
