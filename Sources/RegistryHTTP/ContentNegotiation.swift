import CZlib
import HTTPTypes
import RegistryAPI

/// `Accept` and `Content-Type`, as far as a service that speaks JSON needs them.
enum ContentNegotiation {
    /// RFC 9110 §12.5.1: which of several types a client would rather have. Of equal weight, the one
    /// that it names more exactly, then the one that it names first, then ours.
    /// - Returns: nil where it takes none of them.
    static func choice(of types: [MediaType], _ fields: HTTPFields) -> MediaType? {
        let ranges = (fields[.accept] ?? "").split(separator: ",").map(trimmed)
            .filter { !$0.isEmpty }
        guard !ranges.isEmpty else { return types.first }
        var best: (weight: Double, precedence: Int, place: Int, type: MediaType)?
        for type in types {
            let names = ["*/*", "\(type.rawValue.prefix { $0 != "/" })/*", type.rawValue]
            let fitting = ranges.enumerated().compactMap { place, range in
                let parts = range.split(separator: ";").map(trimmed)
                return names.firstIndex { $0 == parts.first?.lowercased() ?? "" }
                    .map { (precedence: $0, weight: weight(parts), place: -place) }
            }
            guard let exact = fitting.max(by: { $0 < $1 }), exact.weight > 0 else { continue }
            let found = (exact.weight, exact.precedence, exact.place)
            if let best, (best.weight, best.precedence, best.place) >= found { continue }
            best = (exact.weight, exact.precedence, exact.place, type)
        }
        return best?.type
    }

    private static func weight(_ parts: [Substring]) -> Double {
        parts.dropFirst().first { $0.lowercased().hasPrefix("q=") }
            .flatMap { Double($0.dropFirst(2)) } ?? 1
    }

    /// Whether the body is JSON in UTF-8, not compressed.
    static func isJSON(_ fields: HTTPFields, alsoMergePatch: Bool) -> Bool {
        let type = plainType(of: fields)
        return type == MediaType.json.rawValue
            || alsoMergePatch && type == "application/merge-patch+json"
    }

    /// What the body is, in lower case and without parameters; nil where it's compressed, not in UTF-8, or doesn't
    /// say what it is.
    static func plainType(of fields: HTTPFields) -> String? {
        if let encoding = fields[.contentEncoding], encoding.lowercased() != "identity" {
            return nil
        }
        guard let content = fields[.contentType] else { return nil }
        let parts = content.split(separator: ";").map { trimmed($0).lowercased() }
        let charset = parts.dropFirst().first { $0.hasPrefix("charset=") }?.dropFirst(8)
        let isUTF8 = charset.map { ["utf-8", "\"utf-8\"", "utf8"].contains($0) } ?? true
        return isUTF8 ? parts.first : nil
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        var text = text.drop(while: isSpace)
        while let last = text.last, isSpace(last) { text.removeLast() }
        return text
    }
}

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
