import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

enum EdgeVisit {
    /// - Returns: status and body.
    static func ask(
        _ host: String, _ method: HTTPMethod, at port: Int
    ) async throws -> (status: Int, body: String) {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/")
        request.method = method
        request.headers.add(name: "Host", value: host)
        let response = try await ServerProcess.http.execute(request, timeout: .seconds(20))
        let body = try await response.body.collect(upTo: 1 << 16)
        return (Int(response.status.code), String(buffer: body))
    }
}

/// People who come all the time, read and write, by every proxy, until they're sent home.
final class Visitors: Sendable {
    private let counts = Mutex<[String: Int]>([:])
    private let isOver = Atomic(false)

    /// How often each answer was given: `GET 200 japan`, `POST 503`.
    var answers: [String: Int] { counts.withLock { $0 } }

    /// All answers so far.
    var count: Int { counts.withLock { $0.values.reduce(0, +) } }

    func end() { isOver.store(true, ordering: .relaxed) }

    /// Returns when they've been sent home.
    func come(to ports: [Int], hosts: [String], at once: Int = 6) async {
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<once {
                let port = ports[number % ports.count]
                group.addTask {
                    while !self.isOver.load(ordering: .relaxed) {
                        let host = hosts.randomElement() ?? ""
                        let method: HTTPMethod = Bool.random() ? .GET : .POST
                        let answer = try? await EdgeVisit.ask(host, method, at: port)
                        let side = answer?.status == 200 ? " \(answer?.body ?? "")" : ""
                        self.note("\(method.rawValue) \(answer?.status ?? 0)\(side)")
                    }
                }
            }
        }
    }

    private func note(_ answer: String) {
        counts.withLock { $0[answer, default: 0] += 1 }
    }

    /// Waits until so many more have had their answers.
    func wait(forMore number: Int) async throws {
        let before = count
        _ = try await poll("\(number) more visitors", within: .seconds(300)) {
            count >= before + number ? true : nil
        }
    }
}
