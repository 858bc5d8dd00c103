import Foundation

/// HAProxy's runtime API, on its socket: replaces a whole map at once, while it runs.
///
/// What is changed here is gone when HAProxy reads its files anew: the file comes first. A payload
/// over `tune.bufsize` is dropped in silence, and the commit would then empty the map: so batches are
/// small, and the entries are counted before the commit.
struct HAProxySocket: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let path: String
    var timeoutSeconds = 10

    /// Octets of one command and its payload, at most: a quarter below the smallest usual buffer.
    static let batch = 12 * 1024

    /// Tells one HAProxy process from another.
    func identity() throws(Failure) -> String {
        let wanted = ["Pid:", "Start_time_sec:"]
        let lines = try ask("show info").split(separator: "\n").filter { line in
            wanted.contains { line.hasPrefix($0) }
        }
        guard !lines.isEmpty else { throw Failure(description: "\(path) isn't HAProxy's socket") }
        return lines.joined(separator: " ")
    }

    /// - Parameters:
    ///   - map: as HAProxy's configuration names its file.
    ///   - lines: `host value`, each with its line break, none over 12 KiB.
    func replace(_ map: String, with lines: [ArraySlice<UInt8>]) throws(Failure) {
        let answer = try ask("prepare map \(map)")
        guard let number = answer.split(separator: ":").last.flatMap({ Int($0.trimmed) }) else {
            throw Failure(description: "HAProxy doesn't prepare \(map): \(answer.trimmed)")
        }
        do throws(Failure) {
            try add(lines, to: "@\(number) \(map)")
            let count = try count("@\(number) \(map)")
            guard count == lines.count else {
                throw Failure(
                    description: "HAProxy took \(count) of \(lines.count) entries of \(map)")
            }
            try order("commit map @\(number) \(map)")
        } catch {
            // Else it would stay in HAProxy's memory; the map in use isn't touched.
            _ = try? ask("clear map @\(number) \(map)")
            throw error
        }
    }

    private func add(_ lines: [ArraySlice<UInt8>], to map: String) throws(Failure) {
        let command = Array("add map \(map) <<\n".utf8)
        var next = 0
        while next < lines.count {
            var batch = command
            while next < lines.count, batch.count + lines[next].count < Self.batch {
                batch += lines[next]
                next += 1
            }
            guard batch.count > command.count else {
                throw Failure(description: "a line is too long for HAProxy's socket")
            }
            // An empty line ends the payload.
            batch.append(0x0A)
            let answer = try ask(batch)
            guard answer.trimmed.isEmpty else {
                throw Failure(description: "HAProxy refuses entries: \(answer.trimmed)")
            }
        }
    }

    private func count(_ map: String) throws(Failure) -> Int {
        var (count, last) = (0, UInt8(0x0A))
        try ask(Array("show map \(map)\n".utf8)) { piece in
            // `0x55… host value`; the answer ends with an empty line.
            for octet in piece {
                if octet == 0x0A, last != 0x0A { count += 1 }
                last = octet
            }
        }
        return count
    }

    private func order(_ command: String) throws(Failure) {
        let answer = try ask(command).trimmed
        guard answer.isEmpty else {
            throw Failure(description: "HAProxy doesn't \(command): \(answer)")
        }
    }

    private func ask(_ command: String) throws(Failure) -> String {
        try ask(Array("\(command)\n".utf8))
    }

    private func ask(_ octets: [UInt8]) throws(Failure) -> String {
        var answer: [UInt8] = []
        try ask(octets) { answer += $0 }
        return String(decoding: answer, as: UTF8.self)
    }
}
