import CLibPQ
import Foundation
import StoreCore

/// One session, used by one thread. Its calls block.
///
/// Every statement with parameters is prepared once a session. An answer that doesn't come within
/// `patience` ends the connection: a server that hangs is as good as gone. So does one that can't come any
/// more, as far as `health` and `current` know.
package final class PostgresConnection {
    let handle: OpaquePointer
    private var names: [String: String] = [:]
    static let usualPatience = Duration.seconds(60)
    /// How long one answer may take.
    var patience = usualPatience
    private(set) var isOpen = true
    /// When it was made.
    let since: ContinuousClock.Instant
    /// What tells the server at the other end from all others; set by `PostgresSession`.
    var server: String?
    /// Where to learn that another server has taken over: nobody waits for this one any more then.
    var current: CurrentServer?
    /// Where to learn that nothing can come any more.
    var health: DatabaseHealth?
    /// Who is told that something has come.
    var listener: DatabaseHealth?
    /// The server's process at the other end, and what it was told to call this session: neither changes
    /// while the session is this connection's alone. Set by `PostgresSession`.
    var backend: Int64?
    var mark = ""
    /// Whether the server ends statements that take too long.
    var hasStatementTimeout = false
    private let notice = ServerNotice()

    /// Takes over what libpq has connected, or failed to.
    /// - Throws: `unreachable` with libpq's words.
    init(_ handle: OpaquePointer) throws {
        self.handle = handle
        since = .now
        // "relation exists already, skipping" is nobody's news.
        PQsetNoticeReceiver(
            handle, { ServerNotice.note($0, $1) }, Unmanaged.passUnretained(notice).toOpaque())
        guard PQstatus(handle) == CONNECTION_OK, PQsetnonblocking(handle, 1) == 0 else {
            isOpen = false
            throw PostgresFailure.unreachable(ServerNotice.last(of: handle))
        }
    }

    deinit { PQfinish(handle) }

    /// Whether the server has hung up meanwhile, without asking it.
    var isAlive: Bool {
        // Looked at, not only taken in: the last that has come may be why the session ended.
        guard isOpen, PQconsumeInput(handle) == 1, PQisBusy(handle) == 0,
            PQstatus(handle) == CONNECTION_OK, notice.refusal == nil
        else {
            isOpen = false
            return false
        }
        return true
    }

    // MARK: - Statements

    @discardableResult
    func query(_ sql: String, _ parameters: [SQLValue] = []) throws -> ResultRows {
        let list = ParameterList(parameters)
        if names[sql] == nil {
            let name = "s\(names.count)"
            try send { PQsendPrepare($0, name, sql, Int32(list.types.count), list.types) }
            _ = try wholeResult()
            names[sql] = name
        }
        try send { [name = names[sql]] in Self.run($0, name, list) }
        return try wholeResult()
    }

    package func script(_ sql: String) throws { _ = try answer(toScript: sql) }

    /// Statements, any number, without parameters.
    /// - Returns: the rows of the last one, whose values are text.
    func answer(toScript sql: String) throws -> ResultRows {
        try send { PQsendQuery($0, sql) }
        return try wholeResult()
    }

    /// Sends all statements at once, and reads their answers: one way there and back.
    ///
    /// - Throws: what the first one that fails says; those behind it aren't carried out.
    func pipeline(_ statements: [Statement]) throws -> [ResultRows] {
        guard isOpen else { throw PostgresFailure.lost("it was closed") }
        guard PQenterPipelineMode(handle) == 1 else { throw lost() }
        var fresh: [(sql: String, name: String)] = []
        for statement in statements {
            let list = ParameterList(statement.parameters)
            let pending = fresh.first { $0.sql == statement.sql }?.name
            if let name = names[statement.sql] ?? pending {
                try send { Self.run($0, name, list) }
            } else {
                let name = "s\(names.count + fresh.count)p"
                try send {
                    PQsendPrepare($0, name, statement.sql, Int32(list.types.count), list.types)
                }
                fresh.append((statement.sql, name))
                try send { Self.run($0, name, list) }
            }
        }
        guard PQpipelineSync(handle) == 1 else { throw lost() }
        return try answers(to: statements, fresh)
    }

    private func answers(
        to statements: [Statement], _ fresh: [(sql: String, name: String)]
    ) throws -> [ResultRows] {
        var unprepared = fresh[...]
        var results: [ResultRows] = []
        var failure: (any Error)?
        for statement in statements {
            if let next = unprepared.first, next.sql == statement.sql {
                unprepared = unprepared.dropFirst()
                do {
                    _ = try wholeResult()
                    names[next.sql] = next.name
                } catch {
                    failure = try failure ?? Self.unlessLost(error)
                }
            }
            do {
                results.append(try wholeResult())
            } catch {
                failure = try failure ?? Self.unlessLost(error)
            }
        }
        guard let sync = try nextResult(unless: failure) else { throw lost() }
        let status = PQresultStatus(sync)
        PQclear(sync)
        guard status == PGRES_PIPELINE_SYNC, PQexitPipelineMode(handle) == 1 else {
            throw failure ?? lost()
        }
        if let failure { throw failure }
        return results
    }

    /// A connection that's gone has no more answers to wait for.
    private static func unlessLost(_ error: any Error) throws -> any Error {
        if case PostgresFailure.lost = error { throw error }
        return error
    }

    private static func run(
        _ handle: OpaquePointer, _ name: String?, _ list: ParameterList
    ) -> Int32 {
        list.withPointers { values, lengths, formats in
            PQsendQueryPrepared(
                handle, name, Int32(values.count), values, lengths, formats, 1)
        }
    }

    /// Runs `body` in a transaction of its own.
    func transaction<Value>(
        _ isolation: String = "READ COMMITTED", _ body: () throws -> Value
    ) throws -> Value {
        try query("BEGIN ISOLATION LEVEL \(isolation)")
        do {
            let value = try body()
            try query("COMMIT")
            return value
        } catch {
            if isAlive { try query("ROLLBACK") }
            throw error
        }
    }

    // MARK: - The wire

    private func send(_ body: (OpaquePointer) -> Int32) throws {
        guard isOpen else { throw PostgresFailure.lost("it was closed") }
        guard body(handle) == 1 else { throw lost() }
        // What doesn't fit the socket goes while the answers are read.
        guard PQflush(handle) >= 0 else { throw lost() }
    }

    /// The result of one statement, or the last of a script's.
    private func wholeResult() throws -> ResultRows {
        var last: ResultRows?
        var failure: PostgresFailure?
        while let result = try nextResult(unless: failure) {
            switch PQresultStatus(result) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK: last = ResultRows(result)
            case PGRES_PIPELINE_ABORTED:
                PQclear(result)
                failure = failure ?? .refused(state: "25P02", message: "a statement before failed")
            default:
                failure = failure ?? PostgresFailure(result)
                PQclear(result)
            }
            // The server says why it ends a session, and then ends it.
            if let failure, PQstatus(handle) != CONNECTION_OK { throw failure }
        }
        if let failure { throw failure }
        guard let last else { throw lost() }
        return last
    }

    /// - Parameter known: what the server has said already. That the connection ends after it is no news.
    private func nextResult(unless known: (any Error)?) throws -> OpaquePointer? {
        do {
            return try nextResult()
        } catch {
            throw known ?? error
        }
    }

    private func nextResult() throws -> OpaquePointer? {
        let deadline = ContinuousClock.now + patience
        var wait = ResponseWait(self)
        defer { wait.end() }
        while true {
            // What came before the end of the connection is worth hearing: it may say why.
            let hasEnded = PQstatus(handle) != CONNECTION_OK
            let rest = hasEnded ? 0 : PQflush(handle)
            guard rest >= 0 else { throw lost() }
            if rest == 0, PQisBusy(handle) == 0 { return PQgetResult(handle) }
            guard !hasEnded else { throw lost() }
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { throw given("no answer within \(patience)") }
            let events = try Self.wait(
                for: [(PQsocket(handle), Int16(POLLIN) | (rest > 0 ? Int16(POLLOUT) : 0))],
                within: min(left, ResponseWait.piece))
            if events.contains(true) {
                guard PQconsumeInput(handle) == 1 else {
                    guard PQstatus(handle) != CONNECTION_OK else { throw lost() }
                    continue
                }
                listener?.hear()
                wait.end()
            } else if let why = wait.isInVain() {
                throw given(why)
            }
        }
    }

    /// Nobody waits for this session any more.
    private func given(_ why: String) -> PostgresFailure {
        close()
        return .lost(why)
    }

    /// - Returns: which of the descriptors have something to say.
    private static func wait(
        for descriptors: [(descriptor: Int32, events: Int16)], within limit: Duration
    ) throws -> [Bool] {
        var list = descriptors.map { pollfd(fd: $0.descriptor, events: $0.events, revents: 0) }
        let milliseconds = max(1, min(limit / .milliseconds(1), 86_400_000))
        let count = poll(&list, nfds_t(list.count), Int32(milliseconds))
        guard count >= 0 || errno == EINTR else {
            throw PostgresFailure.lost(String(cString: strerror(errno)))
        }
        return list.map { $0.revents != 0 }
    }

    /// Waits for notifications, for something to read on `alarm`, or for the time to pass.
    /// - Returns: the texts that came with the notifications.
    func notifications(within limit: Duration, alarm: Int32) throws -> [String] {
        guard isOpen else { throw PostgresFailure.lost("it was closed") }
        var found = try received()
        guard found.isEmpty else { return found }
        let events = try Self.wait(
            for: [(PQsocket(handle), Int16(POLLIN)), (alarm, Int16(POLLIN))], within: limit)
        if events[0] {
            guard PQconsumeInput(handle) == 1 else { throw lost() }
            listener?.hear()
            found = try received()
        }
        return found
    }

    private func received() throws -> [String] {
        var found: [String] = []
        while let notification = PQnotifies(handle) {
            found.append(String(cString: notification.pointee.extra))
            PQfreemem(notification)
        }
        guard PQstatus(handle) == CONNECTION_OK else { throw lost() }
        return found
    }

    /// Nothing can be asked any more.
    func close() {
        isOpen = false
    }

    /// The server may have said why it ends the session while nothing was asked of it.
    private func lost() -> PostgresFailure {
        isOpen = false
        return notice.refusal ?? .lost(ServerNotice.last(of: handle))
    }
}
