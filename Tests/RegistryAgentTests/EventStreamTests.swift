import NIOCore
import Testing

@testable import RegistryClient

@Suite("Events in pieces") struct EventStreamTests {
    struct Event: Equatable {
        var name: String
        var data: String
    }

    private static func events(_ text: String, cut length: Int) throws -> [Event] {
        var stream = EventStreamParser()
        var events: [Event] = []
        var data: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            var piece = ByteBuffer(bytes: rest.prefix(length))
            rest = rest.dropFirst(length)
            while let part = try stream.next(in: &piece) {
                switch part {
                case .data(let bytes, of: _): data += bytes.readableBytesView
                case .end(of: let name):
                    events.append(Event(name: name, data: String(decoding: data, as: UTF8.self)))
                    data = []
                }
            }
        }
        return events
    }

    @Test(arguments: 1...20) func `are the same wherever they're cut`(length: Int) throws {
        let text = """
            : welcome\r
            \r
            id: e.1\r
            event: changes\r
            data: {"a":1,\r
            data: "b":2}\r
            \r
            event: heartbeat
            data:{"head":1}

            retry: 5
            data:  two blanks
            data
            unknown-and-rather-long: x

            event: nothing

            data: x\ry

            data: cut off
            """
        #expect(
            try Self.events(text, cut: length) == [
                Event(name: "changes", data: "{\"a\":1,\n\"b\":2}"),
                Event(name: "heartbeat", data: "{\"head\":1}"),
                Event(name: "", data: " two blanks"), Event(name: "", data: "x\ry"),
            ])
    }

    @Test func `are handed on before they're whole`() throws {
        var stream = EventStreamParser()
        var piece = ByteBuffer(string: "event: changes\ndata: {\"from")
        guard case .data(let bytes, of: "changes") = try stream.next(in: &piece) else {
            Issue.record("nothing yet")
            return
        }
        #expect(String(buffer: bytes) == "{\"from")
        #expect(try stream.next(in: &piece) == nil)
    }

    @Test func `that are named too late aren't guessed at`() {
        #expect(throws: EventStreamParser.Malformed.self) {
            try Self.events("data: {}\nevent: heartbeat\n\n", cut: 100)
        }
    }
}
