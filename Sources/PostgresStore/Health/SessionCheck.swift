import Foundation
import StoreCore

/// Finds out whether sessions are their connections' own, and whether there are enough.
///
/// A pooler that gives a session to whoever comes next looks like the server as long as nobody else
/// comes. So all sessions that a node needs are opened at once, and asked in turn: one after the other, so
/// that a pooler may give the same to all; all together, so that it has to give each its own; and one while
/// another is busy. Whichever way the pooler chooses, somebody meets another's.
enum SessionCheck {
    /// How long all together may take to be connected, and one to answer.
    private static let patience = Duration.seconds(5)

    /// A connection, and what the server said to its first question.
    private struct CheckedSession {
        let connection: PostgresConnection
        var backend: String
        let mark: String
    }

    /// - Returns: connections that are their own, as new.
    /// - Throws: `PostgresFailure`; `TooFewSessions` where a pool or the server has fewer.
    static func open(_ settings: ConnectionSettings, count: Int) throws -> [PostgresConnection] {
        let connections = try connect(settings, count)
        var sessions: [CheckedSession] = []
        for connection in connections {
            sessions.append(try first(connection, sessions, of: count))
        }
        guard sessions.count > 1 else { return connections }
        try tellApart(sessions)
        try oneAfterTheOther(sessions)
        try together(sessions)
        try besideEachOther(sessions)
        try notify(sessions[0].connection)
        for session in sessions {
            try session.connection.script("RESET \(mark)")
            session.connection.patience = PostgresConnection.usualPatience
        }
        return connections
    }

    private static let mark = "tenant_registry.mark"

    struct TooFewSessions: Error {
        let wanted: Int
        let had: Int
        let why: String
    }

    // MARK: - Opening

    private static func connect(
        _ settings: ConnectionSettings, _ count: Int
    ) throws -> [PostgresConnection] {
        let attempts = (0..<count).map { _ in ConnectionAttempt(settings) }
        // Each address of the URL may take its time-out.
        let end = ContinuousClock.now + patience * settings.hostCount
        var connections: [PostgresConnection] = []
        var failed: PostgresFailure?
        // All are heard: which of them gets the last place isn't said by their order.
        for attempt in attempts {
            do {
                let left = max(.zero, ContinuousClock.now.duration(to: end))
                guard let new = try attempt.connection(within: left, nil) else {
                    throw PostgresFailure.unreachable("no connection within \(patience)")
                }
                new.patience = patience
                connections.append(new)
            } catch let failure as PostgresFailure {
                failed = failed ?? failure
            }
        }
        if let failed {
            guard !connections.isEmpty || failed.isFull else { throw failed }
            throw TooFewSessions(wanted: count, had: connections.count, why: "\(failed)")
        }
        return connections
    }

    /// A pooler connects as many as like, and lets them wait when they ask.
    private static func first(
        _ connection: PostgresConnection, _ others: [CheckedSession], of count: Int
    ) throws -> CheckedSession {
        let mark = UUID().uuidString
        do {
            let row = try connection.answer(
                toScript:
                    "SELECT pg_backend_pid(), set_config('\(Self.mark)', '\(mark)', false)"
            ).first
            return CheckedSession(
                connection: connection, backend: try row?.text(0) ?? "", mark: mark)
        } catch let failure as PostgresFailure {
            guard !others.isEmpty, failure.isOfConnection else { throw failure.named }
            throw TooFewSessions(wanted: count, had: others.count, why: "\(failure)")
        }
    }

    // MARK: - Whose they are

    private static func tellApart(_ sessions: [CheckedSession]) throws {
        guard Set(sessions.map(\.backend)).count == sessions.count else {
            throw PostgresFailure.pooled("two sessions have the same process of the server")
        }
    }

    private static func ask(_ session: CheckedSession) throws {
        let row: SQLRow?
        do {
            row = try session.connection.answer(
                toScript:
                    "SELECT pg_backend_pid(), current_setting('\(mark)', true)"
            ).first
        } catch let failure as PostgresFailure {
            throw failure.named
        }
        guard try row?.text(0) == session.backend, try row?.textIfPresent(1) == session.mark else {
            throw PostgresFailure.pooled("two statements of one session came to two sessions")
        }
    }

    private static func oneAfterTheOther(_ sessions: [CheckedSession]) throws {
        for _ in 0..<2 { for session in sessions.shuffled() { try ask(session) } }
        // One that takes turns among idle sessions comes to another with the next statement.
        for _ in 0..<3 { try ask(sessions[0]) }
    }

    private static func begin(_ session: CheckedSession) throws {
        do {
            try session.connection.script("BEGIN")
        } catch let failure as PostgresFailure {
            throw failure.named
        }
    }

    private static func together(_ sessions: [CheckedSession]) throws {
        for session in sessions.shuffled() {
            try begin(session)
            try ask(session)
        }
        for session in sessions.shuffled() { try session.connection.script("COMMIT") }
        for session in sessions.shuffled() { try ask(session) }
    }

    private static func besideEachOther(_ sessions: [CheckedSession]) throws {
        for (busy, other) in zip(sessions, sessions.dropFirst()) {
            try begin(busy)
            try ask(other)
            try ask(busy)
            try busy.connection.script("COMMIT")
            try ask(other)
        }
    }

    /// Who listens hears itself, or is listened for by nobody.
    private static func notify(_ connection: PostgresConnection) throws {
        let word = UUID().uuidString
        try connection.script("LISTEN registry_check")
        try connection.script("NOTIFY registry_check, '\(word)'")
        let end = ContinuousClock.now + patience
        while try !connection.notifications(within: .milliseconds(100), alarm: -1).contains(word) {
            guard ContinuousClock.now < end else {
                throw PostgresFailure.pooled("a notification doesn't come")
            }
        }
        try connection.script("UNLISTEN registry_check")
    }
}
