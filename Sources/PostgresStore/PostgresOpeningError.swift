import RegistryLedger
import StoreCore

/// Why the database can't be used, in words for the operator.
package enum PostgresOpeningError: SchemaRefusal, CustomStringConvertible, Equatable {
    case url
    /// It may be there later.
    case unreachable(String)
    /// Wrong password, no such database, no right to it: waiting doesn't help.
    case denied(String)
    case encoding(String)
    case newer(version: Int, known: Int)
    case edited(version: Int, name: String)
    case foreign(String)
    /// Somebody in between gives sessions to others.
    case pooled(String)
    /// A pool, or the server, has fewer sessions than a node needs.
    case sessions(needed: Int, had: Int, String)
    case failed(String)
    /// It was put back under its old epoch, and nobody has said so.
    case rewound(String)

    package var description: String {
        switch self {
        case .url:
            "the store's URL isn't one that libpq reads: postgres://user@host:5432/database is expected, with @, / and : in a password as %40, %2F and %3A"
        case .unreachable(let what): "the database can't be reached: \(what)"
        case .denied(let what): "the database can't be opened: \(what)"
        case .encoding(let name):
            "the database's encoding is \(name), and UTF8 is needed: create it with ENCODING 'UTF8'"
        case .newer(let version, let known):
            "the database was written by a newer version: its schema is at \(version), this binary knows \(known); start the newer binary"
        case .edited(let version, let name):
            "migration file \(version) (\(name)) isn't the one that this database was made with; a released migration file must never change"
        case .foreign(let what): "the database isn't a tenant-registry store: \(what)"
        case .pooled(let what): what
        case .sessions(let needed, let had, let what):
            "a node needs \(needed) sessions at the same time, and got \(had): \(what); let the pool, the server or the role have more"
        case .failed(let what): "the database refused to be opened: \(what)"
        case .rewound(let what):
            "the database isn't the one that it was: \(what). \(Rewind.ways)"
        }
    }

    /// Whether it can end by itself.
    package var isPassing: Bool {
        switch self {
        case .unreachable, .sessions: true
        default: false
        }
    }

    init(_ few: SessionCheck.TooFewSessions) {
        self = .sessions(needed: few.wanted, had: few.had, few.why)
    }

    init(_ failure: PostgresFailure) {
        switch failure {
        case .unreachable(let what), .lost(let what):
            self = Self.isDenial(what) ? .denied(what) : .unreachable(what)
        case .refused(_, let message):
            switch failure.kind {
            case .connection, .busy, .conflict: self = .unreachable(message)
            case .shared: self = .pooled("\(failure.named)")
            case .limit(let setting): self = .failed("\(message) (\(setting))")
            case .constraint, .diskFull, .other: self = .failed(message)
            }
        case .shared(let what): self = .pooled(what)
        }
    }

    /// libpq gives no code for a connection that it couldn't make, only the server's words, which are
    /// in English unless the server's `lc_messages` says otherwise. A denial that isn't known as one is
    /// tried again a few times, and ends all the same.
    private static func isDenial(_ what: String) -> Bool {
        [
            "password authentication failed", "no password supplied", "does not exist",
            "no pg_hba.conf entry", "is not permitted to log in", "permission denied",
            // Of TLS.
            "certificate verify failed", "does not match host name",
            "certificate authentication failed",
            "valid client certificate", "does not support SSL", "private key file",
            "alert unknown ca",
        ].contains { what.contains($0) }
    }
}

extension ConnectionThreads {
    /// Runs what has to be done before a store is open.
    /// - Throws: `PostgresOpeningError` for what an operator can mend.
    func opening<Value: Sendable>(
        _ body: @escaping @Sendable (ConnectionSlot) throws -> Value
    ) async throws -> Value {
        do {
            return try await run(body)
        } catch let failure as PostgresFailure {
            throw PostgresOpeningError(failure)
        } catch let few as SessionCheck.TooFewSessions {
            throw PostgresOpeningError(few)
        } catch is ThreadsClosed {
            throw PostgresOpeningError.failed("it was closed")
        }
    }
}
