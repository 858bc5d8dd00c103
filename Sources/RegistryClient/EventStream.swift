import NIOCore

/// Reads Server-Sent Events from what comes in pieces: WHATWG HTML §9.2.6, as far as the feed uses it.
struct EventStream {
    struct Event {
        /// Empty where the event has no name.
        var name = ""
        var data: [UInt8] = []
    }

    struct TooLong: Error {}

    /// Octets of one event, at most: a wave of a million domains has some 200 million.
    private static let longest = 1 << 30

    private var lines = LineSplitter()
    private var event = Event()

    /// - Returns: the events that are whole by now.
    mutating func events(in piece: ByteBuffer) throws -> [Event] {
        var events: [Event] = []
        for line in lines.lines(in: piece) {
            if let event = take(line.last == 0x0D ? line.dropLast() : line[...]) {
                events.append(event)
            }
        }
        guard lines.waiting + event.data.count <= Self.longest else { throw TooLong() }
        return events
    }

    private mutating func take(_ line: ArraySlice<UInt8>) -> Event? {
        guard !line.isEmpty else {
            defer { event = Event() }
            return event.data.isEmpty ? nil : event
        }
        let name = line.prefix { $0 != UInt8(ascii: ":") }
        var value = line.dropFirst(name.count + 1)
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        if name.elementsEqual("data".utf8) {
            if !event.data.isEmpty { event.data.append(0x0A) }
            event.data += value
        } else if name.elementsEqual("event".utf8) {
            event.name = String(decoding: value, as: UTF8.self)
        }
        return nil
    }
}
