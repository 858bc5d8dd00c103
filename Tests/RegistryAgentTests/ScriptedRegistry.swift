import Foundation

/// Answers each request with what a test says, and ends the connection.
final class ScriptedRegistry: Sendable {
    let url: URL
    private let listener: Int32
    private let answer: @Sendable (_ request: String) -> String
    let requests = Shared<[String]>([])

    /// - Parameter events: one text for each connection; the last one is sent again. Their answers have neither
    ///   their length nor an end: they break off with the connection.
    convenience init(_ events: [String]) throws {
        let rest = Shared(events)
        try self.init { _ in
            let text = rest.change { events in
                events.count > 1 ? events.removeFirst() : events.first ?? ""
            }
            return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                + "Content-Length: 1000000\r\n\r\n\(text)"
        }
    }

    /// - Parameter answer: head and body, to a request's head.
    init(answer: @escaping @Sendable (_ request: String) -> String) throws {
        self.answer = answer
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isThere = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) == 0 && listen(listener, 16) == 0
                    && getsockname(listener, address, &length) == 0
            }
        }
        guard isThere,
            let url = URL(string: "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))")
        else { throw NeverSo(what: "a listener") }
        self.url = url
        Thread.detachNewThread { [weak self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0, let self else { return }
                self.answer(connection)
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private func answer(_ connection: Int32) {
        defer { close(connection) }
        var request: [UInt8] = []
        var byte: UInt8 = 0
        while !request.suffix(4).elementsEqual("\r\n\r\n".utf8), read(connection, &byte, 1) == 1 {
            request.append(byte)
        }
        let text = String(decoding: request, as: UTF8.self)
        let answer = answer(text)
        requests.change { $0.append(text) }
        var rest = Array(answer.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
