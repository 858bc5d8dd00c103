/// Why PostgreSQL didn't do what it was asked.
enum PostgresFailure: Error, CustomStringConvertible {
    /// There's no connection. Nothing was asked.
    case unreachable(String)
    /// The connection ended under a question: whether it was carried out is open.
    case lost(String)
    /// The server said no. Nothing of the statement stays.
    case refused(state: String, message: String)

    var description: String {
        switch self {
        case .unreachable(let what): "PostgreSQL can't be reached: \(what)"
        case .lost(let what): "the connection to PostgreSQL ended: \(what)"
        case .refused(let state, let message): "PostgreSQL refused (\(state)): \(message)"
        }
    }

    /// What to do about it.
    enum Kind {
        /// Another connection may do better.
        case connection
        /// The same again may do better: another transaction was in the way.
        case conflict
        /// A rule of the schema.
        case constraint
        case diskFull
        /// Too many connections, no memory, a lock that wasn't had in time.
        case busy
        case other
    }

    /// Whether a lock wasn't had in `lock_timeout`.
    var isLockTimeout: Bool {
        guard case .refused("55P03", _) = self else { return false }
        return true
    }

    /// By the classes of the manual's appendix A.
    var kind: Kind {
        guard case .refused(let state, _) = self else { return .connection }
        switch state {
        case "40001", "40P01": return .conflict
        case "53100": return .diskFull
        // A standby: this server was the primary, or shall be.
        case "25006": return .connection
        // The session was ended, the server stops or starts.
        case "57P01", "57P02", "57P03", "57P05", "25P03": return .connection
        case "55P03", "57014": return .busy
        default: break
        }
        return switch state.prefix(2) {
        case "08": .connection
        case "23": .constraint
        case "53", "54": .busy
        default: .other
        }
    }
}
