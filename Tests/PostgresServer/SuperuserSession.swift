import CLibPQ
import Dispatch

/// A session of the superuser: what one statement locks is held for the next ones, and until the session
/// is gone.
package final class SuperuserSession: Sendable {
    private let queue = DispatchQueue(label: "superuser-session")
    /// A pointer, which the compiler lets nobody share: it's used on `queue` only, one statement after the
    /// other, and by `init` and `deinit`, when nobody else has it.
    private nonisolated(unsafe) let connection: OpaquePointer?

    init(_ url: String) async throws {
        let queue = queue
        nonisolated(unsafe) let connection = await withCheckedContinuation { answer in
            queue.async {
                nonisolated(unsafe) let connection = PQconnectdb(url)
                answer.resume(returning: connection)
            }
        }
        self.connection = connection
        guard PQstatus(connection) == CONNECTION_OK else {
            throw PostgresServer.Failed(description: String(cString: PQerrorMessage(connection)))
        }
    }

    deinit { PQfinish(connection) }

    /// - Returns: the rows of the last statement, as text.
    @discardableResult
    package func run(_ sql: String) async throws -> [[String?]] {
        try await withCheckedThrowingContinuation { answer in
            queue.async { [self] in answer.resume(with: Result { try rows(of: sql) }) }
        }
    }

    private func rows(of sql: String) throws -> [[String?]] {
        let result = PQexec(connection, sql)
        defer { PQclear(result) }
        guard [PGRES_COMMAND_OK, PGRES_TUPLES_OK].contains(PQresultStatus(result)) else {
            throw PostgresServer.Failed(description: String(cString: PQerrorMessage(connection)))
        }
        return (0..<PQntuples(result)).map { row in
            (0..<PQnfields(result)).map { column in
                PQgetisnull(result, row, column) == 1
                    ? nil : String(cString: PQgetvalue(result, row, column))
            }
        }
    }
}
