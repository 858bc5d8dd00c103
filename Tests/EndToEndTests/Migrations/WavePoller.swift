import Foundation
import Synchronization

/// A connection that looks up a whole wave in one request, again and again, and says of each answer
/// where all of the wave was.
final class WavePoller: Sendable {
    struct Sighting: Sendable, Equatable {
        var revision: Int64
        /// `aws serve`: of every domain in the answer.
        var place: String
    }

    private struct State {
        var sightings: [Sighting] = []
        /// Answers that no moment of a registry can give, in words.
        var broken: [String] = []
    }

    private let request: String
    private let port: Int
    private let size: Int
    private let state = Mutex(State())
    private let isOver = Atomic(false)

    private static let places: [(name: String, text: String)] =
        ["japan", "aws"].flatMap { location in
            ["serve", "read_only", "reject"].map { mode in
                ("\(location) \(mode)", #""location":"\#(location)","mode":"\#(mode)""#)
            }
        }

    init(_ names: [String], at server: ServerProcess) {
        let list = names.map { "\"\($0)\"" }.joined(separator: ",")
        let body = #"{"fqdns":[\#(list)]}"#
        request =
            "POST /v1/lookup HTTP/1.1\r\nHost: registry\r\n"
            + "Authorization: Bearer \(server.adminToken)\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        port = server.port
        size = names.count
    }

    var sightings: [Sighting] { state.withLock(\.sightings) }
    var broken: [String] { state.withLock(\.broken) }
    var count: Int { state.withLock(\.sightings.count) }

    /// How many answers were read at `revision` or later.
    func count(since revision: Int64) -> Int {
        state.withLock { $0.sightings.reversed().prefix { $0.revision >= revision }.count }
    }

    func stop() { isOver.store(true, ordering: .releasing) }

    func run() async {
        await withCheckedContinuation { done in
            // Blocking calls don't belong on Swift's own threads.
            Thread.detachNewThread {
                self.poll()
                done.resume()
            }
        }
    }

    /// One lookup, for whoever doesn't wait for a change.
    func lookOnce() -> Sighting? {
        guard let connection = BlockingConnection(port: port) else { return nil }
        connection.send(request)
        guard let answer = connection.readAnswer(), answer.status == 200 else { return nil }
        return look(at: answer.body)
    }

    private func poll() {
        guard let connection = BlockingConnection(port: port) else { return complain("no server") }
        var last: Int64 = 0
        while !isOver.load(ordering: .acquiring) {
            connection.send(request)
            guard let answer = connection.readAnswer(), answer.status == 200 else {
                return complain("no answer: \(connection.received)")
            }
            guard let sighting = look(at: answer.body) else { return }
            if sighting.revision < last { complain("\(sighting) after revision \(last)") }
            last = sighting.revision
            state.withLock { $0.sightings.append(sighting) }
        }
    }

    private func look(at body: String) -> Sighting? {
        let found = Self.places.map { ($0.name, Self.count($0.text, in: body)) }
            .filter { $0.1 > 0 }
        // `{"revision":13,"results":[…`
        let digits = body.dropFirst(12).prefix { $0.isNumber }
        guard body.hasPrefix(#"{"revision":"#), let revision = Int64(digits) else {
            complain("no revision: \(body.prefix(100))")
            return nil
        }
        guard found.count == 1, found[0].1 == size else {
            complain("at revision \(revision) the wave was in \(found)")
            return nil
        }
        return Sighting(revision: revision, place: found[0].0)
    }

    private static func count(_ text: String, in body: String) -> Int {
        body.withCString { start in
            var count = 0
            var rest = start
            while let found = strstr(rest, text) {
                count += 1
                rest = UnsafePointer(found) + text.utf8.count
            }
            return count
        }
    }

    private func complain(_ what: String) {
        state.withLock { $0.broken.append(what) }
    }
}
