import RegistryLedger
import RegistryModel
import StoreCore

extension PostgresStore {
    package func time(_ session: PostgresConnection) throws -> Timestamp { try clock.read(session) }

    package var timeValue: SQLValue { clock.parameter }

    /// Runs `read` on one snapshot of the database, on a reader's thread of the lane. Again on a new
    /// connection where the first one was gone.
    ///
    /// - Parameter isRepeatable: whether `read` may run twice.
    package func reading<Value: Sendable>(
        _ lane: ReadLane, isRepeatable: Bool,
        _ read: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async throws(RegistryError) -> Value {
        try await asking(lane, isRepeatable: isRepeatable) { connection in
            try connection.transaction("REPEATABLE READ READ ONLY") { try read(connection) }
        }
    }

    package func writing<Value: Sendable>(
        isRepeatable: Bool, _ write: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async throws(RegistryError) -> Value {
        try await asking(.own, isRepeatable: isRepeatable) { connection in
            try connection.transaction { try write(connection) }
        }
    }

    package func asking<Value: Sendable>(
        _ lane: ReadLane, _ ask: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async throws(RegistryError) -> Value {
        try await asking(lane, isRepeatable: true, ask)
    }

    /// Runs `ask` on a reader's thread of the lane, without a transaction of its own.
    ///
    /// - Parameter isRepeatable: whether `ask` may run twice.
    func asking<Value: Sendable>(
        _ lane: ReadLane, isRepeatable: Bool,
        _ ask: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async throws(RegistryError) -> Value {
        try await lanes.run(lane) { () async throws(RegistryError) -> Value in
            try await asking(isRepeatable: isRepeatable, ask)
        }
    }

    private func asking<Value: Sendable>(
        isRepeatable: Bool, _ ask: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async throws(RegistryError) -> Value {
        do {
            return try await readers.run { slot in
                do {
                    return try ask(slot.connection())
                } catch let failure as PostgresFailure
                    where isRepeatable && failure.mayDoElsewhere
                {
                    slot.drop()
                    return try ask(slot.connection())
                }
            }
        } catch {
            throw refusal(forRead: error)
        }
    }

    func refusal(forRead error: any Error) -> RegistryError {
        if let refusal = error as? RegistryError { return refusal }
        if error is CancellationError { return .overloaded }
        if error is ThreadsClosed { return .storeFailed }
        guard let failure = error as? PostgresFailure else {
            logger.error("a read failed", metadata: ["error": "\(error)"])
            return .inconsistent
        }
        switch failure.kind {
        case .connection:
            logger.debug("a read got no answer", metadata: ["error": "\(failure)"])
            return .storeUnavailable
        case .shared:
            onShared(failure)
            return .storeUnavailable
        case .limit(let setting):
            logger.error(
                "the database's settings don't allow a read",
                metadata: ["setting": "\(setting)", "error": "\(failure)"])
            return .storeLimit(setting)
        case .conflict, .busy, .diskFull: return .overloaded
        case .constraint, .other:
            logger.error("a read was refused", metadata: ["error": "\(failure)"])
            return .inconsistent
        }
    }
}
