import NIOCore
import RegistryModel

/// Puts the responses of the fast path together, byte by byte what the router makes of the same request.
struct ResponseParts: Sendable {
    private let settings: LookupSettings
    /// Bytes of the longest answer, without its body: everything that is in it has a limit.
    private let longest: Int

    init(_ options: HTTPOptions) {
        settings = LookupSettings(options)
        longest = 4096 + settings.cacheControl.utf8.count
    }

    /// The answer, with the scratch's JSON where it has a body.
    func write(_ response: LookupResponse, _ request: FastPathRequest, _ scratch: EventLoopScratch)
    {
        let length = response.hasBody ? scratch.json.bytes.count : 0
        scratch.answers.writeWithUnsafeMutableBytes(minimumWritableBytes: longest + length) {
            memory in
            var cursor = ByteCursor(memory)
            cursor.write(response.status.line)
            response.print(settings, to: &cursor)
            // RFC 9110 §8.6: 304 carries no length of its own.
            end(
                &cursor, request, response.position, scratch,
                length: response.status == .notModified ? nil : length)
            if response.hasBody, !request.line.isHead { cursor.write(scratch.json.bytes) }
            return cursor.count
        }
    }

    /// What every answer has, and the end of its head.
    private func end(
        _ cursor: inout ByteCursor, _ request: FastPathRequest, _ position: Position,
        _ scratch: EventLoopScratch,
        length: Int?
    ) {
        cursor.write("\r\nX-Request-ID: ")
        cursor.write(scratch.requestIDBytes)
        cursor.write("\r\nX-Registry-Revision: ")
        cursor.write(position.epoch.text)
        cursor.write(".")
        cursor.write(decimal: position.revision.number)
        if let length {
            cursor.write("\r\nContent-Length: ")
            cursor.write(decimal: Int64(length))
        }
        cursor.write("\r\nDate: ")
        scratch.date.update()
        cursor.write(scratch.date.bytes)
        cursor.write(request.isLast ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n")
    }
}
