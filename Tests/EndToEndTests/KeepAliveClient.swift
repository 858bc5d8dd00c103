import Foundation
import Synchronization

/// A client that keeps its connection until it's told to close it, on a plain blocking socket:
/// nothing between the test and the bytes repeats or hides anything.
final class KeepAliveClient: Sendable {
    struct Result: Sendable {
        var answered = 0
        var statuses: Set<Int> = []
        /// Requests that were sent and not answered whole, with what came instead.
        var unanswered: [String] = []
        var wasAskedToClose = false
    }

    private let id: Int
    private let port: Int
    private let token: String
    private let count = Atomic(0)

    init(id: Int, server: ServerProcess) {
        self.id = id
        port = server.port
        token = server.adminToken
    }

    var answers: Int { count.load(ordering: .relaxed) }

    /// Sends one request after the other, until `isAway` keeps it from connecting or nobody does.
    func run(isAway: @escaping @Sendable () -> Bool) async -> Result {
        await withCheckedContinuation { done in
            // Blocking calls don't belong on Swift's own threads.
            Thread.detachNewThread { done.resume(returning: self.run(until: isAway)) }
        }
    }

    private func run(until isAway: () -> Bool) -> Result {
        var result = Result()
        while !isAway(), let connection = BlockingConnection(port: port) {
            var isFirst = true
            while true {
                let number = result.answered
                connection.send(request(number))
                guard let answer = connection.readAnswer() else {
                    result.unanswered.append(
                        "\(isFirst ? "first" : "later") request of a connection: \(connection.received)"
                    )
                    return result
                }
                isFirst = false
                result.answered += 1
                count.add(1, ordering: .relaxed)
                result.statuses.insert(answer.status)
                if answer.closes {
                    result.wasAskedToClose = true
                    break
                }
            }
        }
        return result
    }

    /// Every third is a write.
    private func request(_ number: Int) -> String {
        let rest = "Host: registry\r\nAuthorization: Bearer \(token)\r\n"
        guard number % 3 == 0 else { return "GET /v1/stats HTTP/1.1\r\n\(rest)\r\n" }
        let body = #"{"fqdn":"c\#(id)-\#(number).example.com"}"#
        return "POST /v1/domains HTTP/1.1\r\n\(rest)Content-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }
}

/// One TCP connection to this machine.
final class BlockingConnection {
    struct Answer {
        var status: Int
        var closes: Bool
        /// In lower case.
        var fields: [String]
        var body: String
    }

    private let descriptor: Int32
    private var buffer: [UInt8] = []

    /// `nil`: nobody listens.
    init?(port: Int) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var limit = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        // `deinit` closes it. Closing it here, too, would take another's that got the same number meanwhile.
        guard result == 0, !isItsOwnPeer(port) else { return nil }
    }

    /// Where nobody listens at a port that clients get, too, a connection may come out at itself.
    private func isItsOwnPeer(_ port: Int) -> Bool {
        var own = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &own) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(descriptor, $0, &size)
            }
        }
        return result == 0 && Int(in_port_t(bigEndian: own.sin_port)) == port
    }

    /// - Returns: nothing at the end, or after an error.
    private func receive(atMost size: Int) -> ArraySlice<UInt8> {
        var chunk = [UInt8](repeating: 0, count: size)
        var count = -1
        repeat {
            count = recv(descriptor, &chunk, chunk.count, 0)
        } while count < 0 && errno == EINTR
        return chunk.prefix(max(0, count))
    }

    deinit { close(descriptor) }

    /// What has come in and belongs to no whole answer, for a message.
    var received: String { String(decoding: buffer, as: UTF8.self) + " (errno \(errno))" }

    func send(_ text: String) { send(bytes: Array(text.utf8)) }

    func send(bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Says that nothing more will come.
    func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// What comes, up to a number of bytes; fewer where the connection ends.
    func read(_ count: Int) -> String {
        while buffer.count < count {
            let chunk = receive(atMost: count - buffer.count)
            guard !chunk.isEmpty else { break }
            buffer += chunk
        }
        defer { buffer.removeFirst(min(count, buffer.count)) }
        return String(decoding: buffer.prefix(count), as: UTF8.self)
    }

    /// - Returns: nil where the connection ended before the answer did.
    func readAnswer(hasBody: Bool = true) -> Answer? {
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let head = buffer.firstRange(of: end) {
                let lines = String(decoding: buffer[..<head.lowerBound], as: UTF8.self)
                    .components(separatedBy: "\r\n")
                let fields = lines.dropFirst().map { $0.lowercased() }
                let length = fields.first { $0.hasPrefix("content-length:") }
                    .flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) }
                let bodyEnd = head.upperBound + (hasBody ? length ?? 0 : 0)
                if let status = lines.first?.split(separator: " ").dropFirst().first,
                    buffer.count >= bodyEnd
                {
                    let body = String(
                        decoding: buffer[head.upperBound..<bodyEnd], as: UTF8.self)
                    buffer.removeFirst(bodyEnd)
                    return Answer(
                        status: Int(status) ?? 0, closes: fields.contains("connection: close"),
                        fields: fields, body: body)
                }
            }
            let chunk = receive(atMost: 16_384)
            guard !chunk.isEmpty else { return nil }
            buffer += chunk
        }
    }

    /// HTTP/2: all that comes until the first stream or the connection ends.
    func readStream() -> String {
        var (rest, isOver, all) = ([UInt8](), false, [UInt8]())
        while !isOver {
            while rest.count >= 9 {
                let length = Int(rest[0]) << 16 | Int(rest[1]) << 8 | Int(rest[2])
                guard rest.count >= 9 + length else { break }
                let (kind, flags, stream) = (rest[3], rest[4], rest[8])
                // DATA and HEADERS may end a stream; RST_STREAM does, and GOAWAY ends all.
                isOver =
                    isOver || kind == 7 || stream == 1 && (kind == 3 || kind < 2 && flags & 1 == 1)
                rest.removeFirst(9 + length)
            }
            let chunk = isOver ? [] : receive(atMost: 16_384)
            guard !chunk.isEmpty else { break }
            rest += chunk
            all += chunk
        }
        return String(decoding: all, as: UTF8.self)
    }
}
