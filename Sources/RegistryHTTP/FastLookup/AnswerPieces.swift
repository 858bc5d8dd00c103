import NIOCore
import RegistryModel

/// Puts early answers together, octet by octet what the router's way makes of the same.
struct AnswerPieces: Sendable {
    private let settings: LookupSettings
    /// Octets of the longest answer, without its body: everything that is in it has a limit.
    private let longest: Int

    init(_ options: HTTPOptions) {
        settings = LookupSettings(options)
        longest = 4096 + settings.cacheControl.utf8.count
    }

    /// The answer, with the kit's JSON where it has a body.
    func write(_ response: LookupResponse, _ request: EarlyRequest, _ kit: LoopKit) {
        let length = response.hasBody ? kit.json.bytes.count : 0
        kit.answers.writeWithUnsafeMutableBytes(minimumWritableBytes: longest + length) { memory in
            var cursor = OctetCursor(memory)
            cursor.write(response.status.line)
            response.print(settings, to: &cursor)
            // RFC 9110 §8.6: 304 carries no length of its own.
            end(
                &cursor, request, response.position, kit,
                length: response.status == .notModified ? nil : length)
            if response.hasBody, !request.line.isHead { cursor.write(kit.json.bytes) }
            return cursor.count
        }
    }

    /// What every answer has, and the end of its head.
    private func end(
        _ cursor: inout OctetCursor, _ request: EarlyRequest, _ position: Position, _ kit: LoopKit,
        length: Int?
    ) {
        cursor.write("\r\nX-Request-ID: ")
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
