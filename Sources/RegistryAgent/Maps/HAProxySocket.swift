import Crypto
import Foundation

/// HAProxy's runtime API, on its socket: replaces a whole map at once, while it runs.
///
/// What is changed here is gone when HAProxy reads its files anew: the file comes first. A payload
/// over `tune.bufsize` is dropped in silence, and the commit would then empty the map: so batches are
/// small, and the entries are counted before the commit.
struct HAProxySocket: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
        /// The lines aren't those that were written.
        var isForeign = false
    }

    let path: String
    var timeoutSeconds = 10

    /// Bytes of one command and its payload, at most: a quarter below the smallest usual buffer.
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
    ///   - path: of the lines, `host value`, each with its line break, none over 12 KiB. They're read in pieces.
    ///   - digest: SHA-256 of all of them: somebody else's text would be counted, found whole, and committed.
    /// - Returns: the map's version.
    @discardableResult
    func replace(
        _ map: String, withLinesOf path: String, digest: [UInt8]
    ) throws(Failure) -> Int {
        let answer = try ask("prepare map \(map)")
        guard let number = answer.split(separator: ":").last.flatMap({ Int($0.trimmed) }) else {
            throw Failure(description: "HAProxy doesn't prepare \(map): \(answer.trimmed)")
        }
        do throws(Failure) {
            let sent = try publish(path, digest: digest, to: "@\(number) \(map)")
            let count = try count("@\(number) \(map)")
            guard count == sent else {
                throw Failure(description: "HAProxy took \(count) of \(sent) entries of \(map)")
            }
            try order("commit map @\(number) \(map)")
            return number
        } catch {
            // Else it would stay in HAProxy's memory; the map in use isn't touched.
            _ = try? ask("clear map @\(number) \(map)")
            throw error
        }
    }

    /// - Returns: how many lines there are.
    private func publish(
        _ path: String, digest: [UInt8], to map: String
    ) throws(Failure) -> Int {
        let command = Array("add map \(map) <<\n".utf8)
        var (batch, line, count, hash) = (command, [UInt8](), 0, SHA256())
        do {
            try FileChunks.read(path) { piece in
                hash.update(bufferPointer: piece)
                for byte in piece {
                    line.append(byte)
                    guard byte == 0x0A else { continue }
                    if batch.count + line.count >= Self.batch {
                        try flush(&batch, command)
                    }
                    batch += line
                    line.removeAll(keepingCapacity: true)
                    count += 1
                }
            }
        } catch let error as Failure {
            throw error
        } catch {
            throw Failure(description: "\(error)")
        }
        guard line.isEmpty, Array(hash.finalize()) == digest else {
            throw Failure(description: "\(path) isn't as it was written", isForeign: true)
        }
        if batch.count > command.count { try flush(&batch, command) }
        return count
    }

    private func flush(_ batch: inout [UInt8], _ command: [UInt8]) throws(Failure) {
        guard batch.count > command.count else {
            throw Failure(description: "a line is too long for HAProxy's socket")
        }
        // An empty line ends the payload.
        batch.append(0x0A)
        let answer = try ask(batch)
        guard answer.trimmed.isEmpty else {
            throw Failure(description: "HAProxy refuses entries: \(answer.trimmed)")
        }
        batch = command
    }

    private func count(_ map: String) throws(Failure) -> Int {
        var (count, last) = (0, UInt8(0x0A))
        try ask(Array("show map \(map)\n".utf8)) { piece in
            // `0x55… host value`; the answer ends with an empty line.
            for byte in piece {
                if byte == 0x0A, last != 0x0A { count += 1 }
                last = byte
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

    func ask(_ command: String) throws(Failure) -> String {
        try ask(Array("\(command)\n".utf8))
    }

    private func ask(_ bytes: [UInt8]) throws(Failure) -> String {
        var answer: [UInt8] = []
        try ask(bytes) { answer += $0 }
        return String(decoding: answer, as: UTF8.self)
    }
}

extension HAProxySocket {
    /// One connection a command, as HAProxy likes it best: it closes after its answer.
    ///
    /// - Parameter receive: takes the answer as it comes.
    func ask(_ bytes: [UInt8], _ receive: (ArraySlice<UInt8>) -> Void) throws(Failure) {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw lastFailure() }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        try connect(descriptor)

        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count >= 0 || errno == EINTR else { throw lastFailure() }
            rest = rest.dropFirst(max(0, count))
        }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count >= 0 || errno == EINTR else { throw lastFailure() }
            if count == 0 { return }
            receive(buffer[..<max(0, count)])
        }
    }

    private func connect(_ descriptor: Int32) throws(Failure) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < room else {
            throw Failure(description: "\(path) is too long for a socket's path")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let status = withUnsafePointer(to: address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else { throw lastFailure() }
    }

    private func lastFailure() -> Failure {
        Failure(description: "\(path): \(String(cString: strerror(errno)))")
    }
}

extension StringProtocol {
    var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
