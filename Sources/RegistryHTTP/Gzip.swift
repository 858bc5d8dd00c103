import CZlib
import HTTPTypes

/// Compresses bytes as they come, RFC 1952. The same bytes in the same pieces always become the
/// same bytes: no time and no name is written.
final class Gzip {
    /// zlib's state refers to it: it must not move.
    private let stream: UnsafeMutablePointer<z_stream>
    private var room: [UInt8]

    /// Half as long for twice the time is what higher levels offer here.
    private static let level: Int32 = 4
    /// The largest window, and 16 for gzip's header instead of zlib's.
    private static let windowBits: Int32 = 15 + 16

    struct Failed: Error {}

    /// - Throws: where there is no memory.
    init() throws {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        room = Array(repeating: 0, count: 64 * 1024)
        let result = deflateInit2_(
            stream, Self.level, Z_DEFLATED, Self.windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard result == Z_OK else { throw Failed() }
    }

    deinit {
        deflateEnd(stream)
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    /// - Returns: what is ready, which may be nothing.
    func compress(_ bytes: [UInt8]) throws -> [UInt8] {
        try deflate(bytes, Z_NO_FLUSH)
    }

    func finish() throws -> [UInt8] { try deflate([], Z_FINISH) }

    private func deflate(_ bytes: [UInt8], _ flush: Int32) throws -> [UInt8] {
        var output: [UInt8] = []
        var input = bytes
        try input.withUnsafeMutableBufferPointer { input in
            stream.pointee.next_in = input.baseAddress
            stream.pointee.avail_in = UInt32(input.count)
            var isFull = true
            while isFull {
                try room.withUnsafeMutableBufferPointer { room in
                    stream.pointee.next_out = room.baseAddress
                    stream.pointee.avail_out = UInt32(room.count)
                    let result = CZlib.deflate(stream, flush)
                    guard result != Z_STREAM_ERROR else { throw Failed() }
                    let count = room.count - Int(stream.pointee.avail_out)
                    output.append(contentsOf: room[..<count])
                    isFull = stream.pointee.avail_out == 0
                }
            }
            stream.pointee.next_in = nil
        }
        return output
    }
}

extension Gzip {
    static func compressing(_ body: @escaping BodyStream) -> BodyStream {
        { write in
            let gzip = try Gzip()
            try await body { bytes in
                let ready = try gzip.compress(bytes)
                if !ready.isEmpty { try await write(ready) }
            }
            try await write(try gzip.finish())
        }
    }

    /// RFC 9110 §12.5.3: whether the client names gzip, and doesn't rather have it plain.
    static func isWanted(_ fields: HTTPFields) -> Bool {
        var (gzip, identity): (Double?, Double?)
        for element in fields[values: .acceptEncoding].flatMap({ $0.split(separator: ",") }) {
            let parts = element.split(separator: ";").map {
                String($0.filter { $0 != " " && $0 != "\t" }).lowercased()
            }
            let weight =
                parts.dropFirst().first { $0.hasPrefix("q=") }
                .flatMap { Double($0.dropFirst(2)) } ?? 1
            switch parts.first {
            case "gzip", "x-gzip": gzip = max(gzip ?? 0, weight)
            case "identity": identity = weight
            default: break
            }
        }
        guard let gzip, gzip > 0 else { return false }
        return gzip >= identity ?? 0
    }
}
