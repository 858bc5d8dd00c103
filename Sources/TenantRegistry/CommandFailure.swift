import DurableFiles
import Foundation
import RegistryAPI

/// Why a command ends without success, and the exit code that says so.
enum CommandFailure: Error, CustomStringConvertible {
    case failed(String)
    case usage(String)
    /// The server said no, and why.
    case refused(String)
    case unreachable(String)
    /// A wave waits for somebody else's approval.
    case unapproved(String)

    static let usageCode: Int32 = 2

    init(_ failure: FileFailure) {
        self = .failed(failure.description)
    }

    var exitCode: Int32 {
        switch self {
        case .failed: 1
        case .usage: Self.usageCode
        case .refused: 3
        case .unreachable: 4
        case .unapproved: 5
        }
    }

    /// The same failure, with more words.
    func appending(_ more: String) -> CommandFailure {
        switch self {
        case .failed(let text): .failed(text + more)
        case .usage(let text): .usage(text + more)
        case .refused(let text): .refused(text + more)
        case .unreachable(let text): .unreachable(text + more)
        case .unapproved(let text): .unapproved(text + more)
        }
    }

    var description: String {
        switch self {
        case .failed(let text), .usage(let text), .refused(let text), .unreachable(let text),
            .unapproved(let text):
            text
        }
    }
}

/// Where hints, progress and errors go: stdout carries data alone.
///
/// Whatever the words are made of, they can't steer the terminal, and hold no secret that a library put
/// into its complaint.
enum StandardError {
    static func write(_ text: String) {
        // Whoever closed it doesn't want to hear.
        _ = Descriptor.write(shown(text), to: STDERR_FILENO)
    }

    /// In the place of the line that the cursor is in.
    static func redraw(_ text: String) {
        _ = Descriptor.write("\r\u{1B}[K" + shown(text), to: STDERR_FILENO)
    }

    private static func shown(_ text: String) -> String {
        PrintableText.lines(MaskedText.mask(text))
    }

    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}

/// Whole writes to a file descriptor. `FileHandle.write` traps where nobody reads any more.
enum Descriptor {
    /// - Returns: false where it can't be written to.
    static func write(_ text: String, to descriptor: Int32) -> Bool {
        write(Array(text.utf8), to: descriptor)
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Foundation.write(descriptor, $0.baseAddress, $0.count)
            }
            guard count >= 0 || errno == EINTR else { return false }
            rest = rest.dropFirst(max(0, count))
        }
        return true
    }
}
