import NIOCore
import RegistryAPI

/// Percent-encodes the bytes from 0x80 up in request targets, before the parser sees them.
///
/// nginx passes a visitor's raw UTF-8 on in `$host`, and NIO's parser calls such a target bad HTTP:
/// the visitor would get nginx's 500 for what is just an unknown host. Field values are left alone;
/// the parser takes those.
///
/// It follows heads only: from the first request on that announces a body, everything passes through
/// untouched. Proxies that ask for a route send none.
final class TargetEscaper: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private enum State {
        case requestLine, fields, passingThrough
    }

    private var state = State.requestLine
    /// Of the line at hand: its first bytes, in lower case, and how many it has.
    private var lineStart: [UInt8] = []
    private var lineLength = 0
    private var announcesBody = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        guard state != .passingThrough else { return context.fireChannelRead(data) }
        let strange = buffer.withUnsafeReadableBytes { strangeBytes(in: $0) }
        guard !strange.isEmpty else { return context.fireChannelRead(data) }
        context.fireChannelRead(wrapInboundOut(escaped(buffer, strange, context.channel.allocator)))
    }

    /// Where bytes from 0x80 up stand in request lines.
    private func strangeBytes(in bytes: UnsafeRawBufferPointer) -> [Int] {
        var strange: [Int] = []
        for (index, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: "\n") {
                endLine()
                if state == .passingThrough { break }
                continue
            }
            if byte == UInt8(ascii: "\r") { continue }
            lineLength += 1
            if state == .requestLine {
                if byte >= 0x80 { strange.append(index) }
            } else if lineLength <= Self.keptBytes {
                lineStart.append(byte | 0x20)
            }
        }
        return strange
    }

    private static let contentLength = Array("content-length".utf8)
    private static let transferEncoding = Array("transfer-encoding".utf8)
    /// Enough for `content-length:` and a length that isn't padded on purpose.
    private static let keptBytes = 24

    private func endLine() {
        defer {
            lineStart.removeAll(keepingCapacity: true)
            lineLength = 0
        }
        switch state {
        case .passingThrough: break
        case .requestLine:
            // Empty lines before a request are skipped by the parser too.
            if lineLength > 0 { state = .fields }
        case .fields where lineLength == 0:
            state = announcesBody ? .passingThrough : .requestLine
        case .fields:
            if announcesBodyHere { announcesBody = true }
        }
    }

    /// Whether the line at hand is a field that announces a body; a length of zero doesn't.
    private var announcesBodyHere: Bool {
        // `| 0x20` makes capitals small, and leaves hyphens, digits, colons and spaces as they are.
        if lineStart.starts(with: Self.transferEncoding) { return true }
        guard lineStart.starts(with: Self.contentLength) else { return false }
        let value = lineStart.dropFirst(Self.contentLength.count).filter { $0 != UInt8(ascii: " ") }
        return lineLength > lineStart.count || !value.elementsEqual(":0".utf8)
    }

    private func escaped(
        _ buffer: ByteBuffer, _ strange: [Int], _ allocator: ByteBufferAllocator
    ) -> ByteBuffer {
        var result = allocator.buffer(capacity: buffer.readableBytes + 2 * strange.count)
        var strange = strange[...]
        for (index, byte) in buffer.readableBytesView.enumerated() {
            if index == strange.first {
                strange.removeFirst()
                result.writeBytes(PercentCoding.escape(byte))
            } else {
                result.writeInteger(byte)
            }
        }
        return result
    }
}
