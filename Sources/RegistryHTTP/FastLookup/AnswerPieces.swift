import NIOCore
import RegistryModel
import RoutingTable

/// Puts early answers together, octet by octet what the router's way makes of the same.
struct AnswerPieces: Sendable {
    private let cacheControl: [UInt8]
    private let retryAfter: [UInt8]
    /// Octets of the longest answer, without its body: everything that is in it has a limit.
    private let longest: Int

    init(_ options: HTTPOptions) {
        cacheControl = Array("Cache-Control: \(options.routeCacheControl)\r\n".utf8)
        retryAfter = Array("Retry-After: \(options.retryAfterSeconds)\r\n".utf8)
        longest = 4096 + cacheControl.count
    }

    /// A domain: the kit's JSON, or 304.
    func write(
        _ entry: TableEntry, _ hasBody: Bool, _ request: EarlyRequest, _ position: Position,
        _ kit: LoopKit
    ) {
        write(kit, room: kit.json.bytes.count) { cursor in
            cursor.write((hasBody ? EarlyStatus.ok : .notModified).line)
            if hasBody { cursor.write("Content-Type: application/json\r\n") }
            cursor.write("ETag: \"")
            cursor.write(position.epoch.text)
            cursor.write(".")
            cursor.write(decimal: entry.revision.number)
            cursor.write("\"\r\n")
            // RFC 9110 §8.6: 304 carries no length of its own.
            end(
                &cursor, request, position, kit,
                length: hasBody ? kit.json.bytes.count : nil)
            if hasBody, !request.line.isHead { cursor.write(kit.json.bytes) }
        }
    }

    /// Where a proxy sends a host.
    func write(
        _ entry: TableEntry, _ request: EarlyRequest, _ position: Position, _ kit: LoopKit
    ) {
        write(kit) { cursor in
            cursor.write(EarlyStatus.ok.line)
            cursor.write("X-Tenant-Location: ")
            cursor.write(entry.location.text)
            cursor.write("\r\nX-Tenant-Mode: ")
            cursor.write(entry.mode.rawValue)
            if let upstream = entry.upstream {
                cursor.write("\r\nX-Tenant-Upstream: ")
                cursor.write(upstream.text)
            }
            cursor.write("\r\nX-Tenant-Revision: ")
            cursor.write(position.epoch.text)
            cursor.write(".")
            cursor.write(decimal: entry.revision.number)
            cursor.write("\r\n")
            cursor.write(cacheControl)
            if entry.mode != .serve { cursor.write(retryAfter) }
            end(&cursor, request, position, kit, length: 0)
        }
    }

    /// A host that nobody has.
    func writeUnknown(
        _ status: EarlyStatus, _ request: EarlyRequest, _ position: Position, _ kit: LoopKit
    ) {
        write(kit) { cursor in
            cursor.write(status.line)
            cursor.write("X-Tenant-Mode: unknown\r\n")
            end(&cursor, request, position, kit, length: 0)
        }
    }

    private func write(_ kit: LoopKit, room: Int = 0, _ body: (inout OctetCursor) -> Void) {
        kit.answers.writeWithUnsafeMutableBytes(minimumWritableBytes: longest + room) { memory in
            var cursor = OctetCursor(memory)
            body(&cursor)
            return cursor.count
        }
    }

    /// What every answer has, and the end of its head.
    private func end(
        _ cursor: inout OctetCursor, _ request: EarlyRequest, _ position: Position, _ kit: LoopKit,
        length: Int?
    ) {
        cursor.write("X-Request-ID: ")
        cursor.write(kit.requestIDOctets)
        cursor.write("\r\nX-Registry-Revision: ")
        cursor.write(position.epoch.text)
        cursor.write(".")
        cursor.write(decimal: position.revision.number)
        if let length {
            cursor.write("\r\nContent-Length: ")
            cursor.write(decimal: Int64(length))
        }
        cursor.write("\r\nDate: ")
        kit.date.update()
        cursor.write(kit.date.octets)
        cursor.write(request.isLast ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n")
    }
}
