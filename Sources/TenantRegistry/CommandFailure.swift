import Foundation

/// Why a command ends without success, and the exit code that says so.
enum CommandFailure: Error, CustomStringConvertible {
    case failed(String)
    case usage(String)
    /// The server said no, and why.
    case refused(String)
    case unreachable(String)

    static let usageCode: Int32 = 2

    var exitCode: Int32 {
        switch self {
        case .failed: 1
        case .usage: Self.usageCode
        case .refused: 3
        case .unreachable: 4
        }
    }

    var description: String {
        switch self {
        case .failed(let text), .usage(let text), .refused(let text), .unreachable(let text): text
        }
    }
}

/// Where hints, progress and errors go: stdout carries data alone.
enum StandardError {
    static func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }

    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}
