import Foundation
import StoreCore

/// One thread's connection, or the place for it.
final class ConnectionSlot {
    private let settings: ConnectionSettings
    private let health: DatabaseHealth?
    /// Whether nothing is tried while the database is known to be away.
    private let asksHealth: Bool
    private let spare: SpareConnections?
    private let prepare: @Sendable (PostgresConnection) throws -> Void
    private var current: PostgresConnection?
    private var attempt: ConnectionAttempt?
    private var generation: UInt64 = 0
    /// How long a new connection is waited for. What isn't there by then is waited for the next time.
    var patience = Duration.seconds(3)

    /// - Parameter asksHealth: false for the probe, which finds out.
    init(
        settings: ConnectionSettings, health: DatabaseHealth? = nil, asksHealth: Bool = true,
        spare: SpareConnections? = nil,
        prepare: @escaping @Sendable (PostgresConnection) throws -> Void
    ) {
        self.settings = settings
        self.health = health
        self.asksHealth = asksHealth
        self.spare = spare
        self.prepare = prepare
        // Without contact nobody else waits for this one's answers.
        if health == nil { patience = .seconds(30) }
    }

    /// The connection, a new one where the last is gone.
    /// - Throws: `PostgresFailure` where none can be had.
    func connection() throws -> PostgresConnection {
        if asksHealth { try health?.check() }
        if let health, health.generation != generation {
            generation = health.generation
            current = nil
            attempt = nil
            spare?.empty()
        }
        if let current, current.isAlive { return current }
        current = nil
        if let idle = spare?.take() {
            do {
                return try use(idle)
            } catch let failure as PostgresFailure where failure.isOfConnection {
                // It may have ended unseen while nobody used it.
                spare?.empty()
            }
        }
        return try use(made())
    }

    private func use(_ new: PostgresConnection) throws -> PostgresConnection {
        new.health = asksHealth ? health : nil
        new.listener = health
        do {
            try prepare(new)
        } catch PostgresFailure.lost(let what) {
            throw PostgresFailure.unreachable(what)
        }
        current = new
        return new
    }

    private func made() throws -> PostgresConnection {
        let isLeftOver = attempt != nil
        let attempt = attempt ?? ConnectionAttempt(settings)
        self.attempt = attempt
        do {
            let new = try attempt.connection(within: patience, asksHealth ? health : nil)
            guard let new else {
                throw PostgresFailure.unreachable("no connection within \(patience)")
            }
            self.attempt = nil
            health?.hear()
            return new
        } catch {
            guard attempt.hasEnded else { throw error }
            self.attempt = nil
            // What one that was left behind came to says nothing of now.
            guard !isLeftOver else { return try made() }
            throw error
        }
    }

    /// Ends the connection: the next job gets a new one.
    func drop() {
        current = nil
        // Those are as old as the one that was no good.
        spare?.empty()
    }
}

/// Connections that were made and tried before anybody wanted one. Each is its taker's alone.
final class SpareConnections: @unchecked Sendable {
    private let lock = NSLock()
    private var connections: [PostgresConnection] = []

    func add(_ more: [PostgresConnection]) { lock.withLock { connections += more } }

    func take() -> PostgresConnection? {
        lock.withLock {
            while let next = connections.popLast() {
                if next.isAlive { return next }
            }
            return nil
        }
    }

    func empty() { lock.withLock { connections = [] } }
}
