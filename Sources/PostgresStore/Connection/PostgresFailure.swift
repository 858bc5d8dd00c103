/// Why PostgreSQL didn't do what it was asked.
enum PostgresFailure: Error, CustomStringConvertible {
    /// There's no connection. Nothing was asked.
    case unreachable(String)
    /// The connection ended under a question: whether it was carried out is open.
    case lost(String)
    /// The server said no. Nothing of the statement stays.
    case refused(state: String, message: String)
    /// The session isn't this connection's alone: what was set in it, and who it is, may be another's.
    case shared(String)

    var description: String {
        switch self {
        case .unreachable(let what): "PostgreSQL can't be reached: \(what)"
        case .lost(let what): "the connection to PostgreSQL ended: \(what)"
        case .refused(let state, let message): "PostgreSQL refused (\(state)): \(message)"
        case .shared(let what): what
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
        /// A setting of the operator's, by its name, allows less than this needs.
        case limit(String)
        /// A pooler gives the session to others in between.
        case shared
        case other
    }

    /// Nothing lets a node tell its own session from others' but the session itself.
    static func pooled(_ what: String) -> PostgresFailure {
        .shared(
            """
            a pooler gives this node's sessions to others in between (\(what)): transaction pooling, or \
            statement pooling, can't be used; set it to session pooling, or connect to the database directly
            """)
    }

    /// Whether a lock wasn't had in `lock_timeout`.
    var isLockTimeout: Bool { state == "55P03" }

    /// Whether somebody, or `statement_timeout`, ended the statement.
    var isCancelled: Bool { state == "57014" }

    var isReadOnly: Bool { state == "25006" }

    /// Whether the server ended a session that did nothing in a transaction for too long.
    var isIdleTimeout: Bool { state == "25P03" }

    private var state: String? {
        if case .refused(let state, _) = self { state } else { nil }
    }

    /// Whether the same on another connection may do: the server ended this one, or it's gone.
    var isOfConnection: Bool {
        if case .connection = kind { true } else { false }
    }

    /// Whether something was asked of a connection that is gone since.
    var mayDoElsewhere: Bool {
        if case .unreachable = self { false } else { isOfConnection }
    }

    /// Whether the server, or a pooler, has no place for another session. libpq gives no code for a
    /// connection that it couldn't make; words in another language are only told, not understood.
    var isFull: Bool {
        guard case .unreachable(let what) = self else { return state == "53300" }
        return [
            "connection slots are reserved", "too many clients", "too many connections",
            "no more connections allowed",
        ].contains { what.contains($0) }
    }

    /// The setting that doesn't allow what was asked.
    var limit: String? {
        if case .limit(let setting) = kind { setting } else { nil }
    }

    var isConflict: Bool {
        if case .conflict = kind { true } else { false }
    }

    /// By the classes of the manual's appendix A.
    var kind: Kind {
        guard case .refused(let state, let message) = self else {
            if case .shared = self { return .shared }
            return .connection
        }
        switch state {
        case "40001", "40P01": return .conflict
        case "53100": return .diskFull
        // A standby: this server was the primary, or shall be.
        case "25006": return .connection
        // The session was ended, the server stops or starts.
        case "57P01", "57P02", "57P03", "57P05", "25P03": return .connection
        case "55P03", "57014": return .busy
        case "25P04": return .limit("transaction_timeout")
        case "53400": return .limit("temp_file_limit")
        case "54001": return .limit("max_stack_depth")
        // The server's hint names it; without one there was no memory.
        case "53200" where message.contains("max_locks_per_transaction"):
            return .limit("max_locks_per_transaction")
        // The statement was prepared in this session: another has taken its place.
        case "26000", "42P05": return .shared
        // As a pooler says that it has no transactions.
        case "08P01" where message.contains("pooling mode"): return .shared
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

extension PostgresFailure {
    /// With words for the operator where a pooler has said something else.
    var named: PostgresFailure {
        guard case .refused(_, let message) = self, case .shared = kind else { return self }
        return .pooled(message)
    }
}
