import CLibPQ
import Foundation

extension PostgresFailure {
    /// What the server said of a statement that it didn't carry out.
    init(_ result: OpaquePointer) {
        // PG_DIAG_SQLSTATE and the rest, which Swift can't see: they are macros.
        guard let state = result.field("C") else {
            let message = String(cString: PQresultErrorMessage(result))
            self = .lost(message.trimmingCharacters(in: .whitespacesAndNewlines))
            return
        }
        // The hint names the setting in any language.
        let words = [result.field("M"), result.field("H")].compactMap(\.self)
        self = .refused(state: state, message: words.joined(separator: "; "))
    }
}

extension OpaquePointer {
    /// A field of an error or a notice that the server sent.
    fileprivate func field(_ code: Character) -> String? {
        PQresultErrorField(self, Int32(code.asciiValue ?? 0)).map { String(cString: $0) }
    }
}

/// What the server said on its own when it ended a session. It's written and read on the session's thread.
final class ServerNotice {
    private(set) var refusal: PostgresFailure?

    /// What libpq said last of a connection.
    static func last(of handle: OpaquePointer) -> String {
        String(cString: PQerrorMessage(handle)).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// libpq's notice receiver.
    static func note(_ place: UnsafeMutableRawPointer?, _ notice: OpaquePointer?) {
        guard let place, let notice, let state = notice.field("C"),
            ["FATAL", "PANIC"].contains(notice.field("V"))
        else { return }
        Unmanaged<ServerNotice>.fromOpaque(place).takeUnretainedValue().refusal = .refused(
            state: state, message: notice.field("M") ?? "")
    }
}
