import Foundation
import Testing

/// Requests for another protocol on the same connection: whoever sends one is about to write, though it be a GET.
enum Upgrades {
    private static let websocket = [
        "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]

    static let browsers = ["Connection: Upgrade"] + websocket

    /// As browsers and other clients ask.
    private static let plain = [
        browsers,
        ["Connection: keep-alive, Upgrade"] + websocket,
        ["CONNECTION: UPGRADE", "UPGRADE: WebSocket"] + websocket.dropFirst(),
        ["Connection: keep-alive", "Connection: upgrade"] + websocket,
    ]

    /// What proxies may take for no upgrade at all, or refuse in words of their own.
    private static let odd = [
        [
            "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
            "HTTP2-Settings: AAMAAABkAAQAAP__",
        ],
        ["Connection: Upgrade", "Upgrade: h2c, websocket"],
        ["Connection: Upgrade", "Upgrade: x/1, websocket"],
        ["Connection: Upgrade", "Upgrade:", "Upgrade: websocket"],
        ["Connection: Upgrade", "Upgrade: TLS/1.2"],
        ["Connection: Upgrade, X-Tenant-Mode"] + websocket,
        ["Connection: Upgrade, Upgrade"] + websocket,
        ["Connection: close, Upgrade"] + websocket,
        websocket,
    ]

    static func expectNoneInFreeze(
        _ visitor: Visitor, frozen: String, served: String
    ) async throws {
        for fields in plain {
            #expect(try await visitor.visit(served, "GET", fields).status == 101, "\(fields)")
            for method in ["GET", "OPTIONS"] {
                let page = try await visitor.visit(frozen, method, fields)
                #expect(
                    page.status == 503 && page.retryAfter == "30", "\(method) \(fields): \(page)")
            }
        }
        for fields in odd {
            let page = try await visitor.visit(frozen, "GET", fields)
            let isRead = page.status == 200 && page.leaks == ""
            #expect(isRead || [400, 403, 503].contains(page.status), "\(fields): \(page)")
        }
        #expect(try await visitor.visit(frozen).side == "japan japan read_only")
        let write = try await visitor.visit(frozen, "POST", ["Content-Length: 0"])
        #expect(write.status == 503 && write.retryAfter == "30", "\(write)")
        let answer = await ExtendedConnect.answer(at: visitor.port, to: frozen)
        #expect(!answer.contains("japan"), "\(answer)")
    }
}

/// A WebSocket by HTTP/2 (RFC 8441), of a client that knows that it's spoken.
enum ExtendedConnect {
    /// - Returns: all that came until the stream or the connection ended.
    static func answer(at port: Int, to host: String) async -> String {
        await withCheckedContinuation { done in
            Thread.detachNewThread {
                let connection = BlockingConnection(port: port)
                connection?.send(bytes: request(to: host))
                done.resume(returning: connection?.readStream() ?? "nobody listens")
            }
        }
    }

    private static func request(to host: String) -> [UInt8] {
        let fields = [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"),
            (":path", "/"), (":authority", host), ("sec-websocket-version", "13"),
        ]
        // Literals without a place in a table, and without Huffman's code.
        var block: [UInt8] = []
        for (name, value) in fields {
            block.append(0)
            for text in [name, value] {
                block.append(UInt8(text.utf8.count))
                block += Array(text.utf8)
            }
        }
        return Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
            + frame(kind: 4, flags: 0, stream: 0, [])
            + frame(kind: 1, flags: 4, stream: 1, block)
    }

    private static func frame(
        kind: UInt8, flags: UInt8, stream: UInt8, _ payload: [UInt8]
    ) -> [UInt8] {
        [0, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF), kind, flags, 0, 0, 0, stream]
            + payload
    }
}
