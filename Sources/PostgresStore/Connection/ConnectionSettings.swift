import CLibPQ
import Foundation
import StoreCore

/// Where the database is, and as whom: a URL or a list of settings as libpq reads them.
///
/// The password is in here; no description of it ever is.
package struct ConnectionSettings: Sendable, CustomStringConvertible {
    /// libpq's own keywords.
    private var values: [String: String]

    /// Sets what the URL leaves out: connections that notice a dead peer, and no standby.
    private static let defaults = [
        "connect_timeout": "3", "target_session_attrs": "read-write", "client_encoding": "UTF8",
        "application_name": "tenant-registry", "keepalives_idle": "10",
        "keepalives_interval": "5", "keepalives_count": "3", "tcp_user_timeout": "15000",
    ]

    /// - Parameters:
    ///   - url: `postgres://user@host:5432/database?sslmode=verify-full`, several hosts too.
    ///   - password: instead of one in the URL, in `PGPASSWORD` or in a password file.
    /// - Throws: `PostgresOpeningError.url` where libpq can't read it.
    package init(url: String, password: String? = nil) throws(PostgresOpeningError) {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(url, &message) else {
            defer { PQfreemem(message) }
            // libpq repeats what it was given: the password may be in it.
            throw .url
        }
        defer { PQconninfoFree(options) }
        values = Self.defaults
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val {
                values[String(cString: keyword)] = String(cString: value)
            }
            option += 1
        }
        guard isPlausible(url) else { throw .url }
        if let password { values["password"] = password }
    }

    /// A password with an unescaped `@` or `/` makes libpq take part of it for a host, a port or a
    /// database, whose names are shown.
    private func isPlausible(_ url: String) -> Bool {
        let ports = (values["port"] ?? "").split(separator: ",")
        guard ports.allSatisfy({ UInt16($0).map { $0 > 0 } ?? false }) else { return false }
        let hosts = [values["host"], values["hostaddr"]].compactMap(\.self)
        guard !hosts.contains(where: { $0.contains("@") && !$0.hasPrefix("@") }) else {
            return false
        }
        guard let scheme = url.range(of: "://") else { return true }
        let path = url[scheme.upperBound...].drop { $0 != "/" }.prefix { $0 != "?" }
        return !path.contains("@")
    }

    /// Whether the URL had one, or one was given beside it.
    package var hasPassword: Bool { values["password"] != nil || values["sslpassword"] != nil }

    /// Each of which may take its time-out.
    var hostCount: Int {
        (values["host"] ?? values["hostaddr"] ?? "").split(separator: ",").count + 1
    }

    /// Host, port, database and user, for people.
    package var description: String {
        let host = values["host"] ?? values["hostaddr"] ?? "the local socket"
        let port = values["port"].map { ":\($0)" } ?? ""
        let user = values["user"].map { " as \($0)" } ?? ""
        return "\(values["dbname"] ?? "the default database") at \(host)\(port)\(user)"
    }

    /// Blocks: for the time-out of each address, and for as long as the system looks names up.
    /// - Returns: what `PQconnectdbParams` gives.
    func connect() -> OpaquePointer? {
        let pairs = values.sorted { $0.key < $1.key }
        let keywords = pairs.map { strdup($0.key) }
        let texts = pairs.map { strdup($0.value) }
        defer { (keywords + texts).forEach { free($0) } }
        let names = keywords.map { UnsafePointer($0) } + [nil]
        let contents = texts.map { UnsafePointer($0) } + [nil]
        return PQconnectdbParams(names, contents, 0)
    }
}

/// One try to make a connection, on a thread of its own: libpq looks names up, walks through all hosts and
/// addresses, and shakes hands, in calls that may block for longer than anybody waits. Who gives up leaves
/// the try behind; what it comes to is there for whoever asks next.
///
/// A pointer is what the compiler lets nobody share: it's touched under the lock alone, and by one owner
/// after it was taken.
final class ConnectionAttempt: @unchecked Sendable {
    private let condition = NSCondition()
    private var handle: OpaquePointer?
    private var isOver = false

    init(_ settings: ConnectionSettings) {
        let thread = Thread { [self] in
            let made = settings.connect()
            condition.withLock {
                handle = made
                isOver = true
                condition.broadcast()
            }
        }
        thread.name = "store-connect"
        thread.start()
    }

    deinit { PQfinish(handle) }

    var hasEnded: Bool { condition.withLock { isOver } }

    /// Waits for the end of the try.
    ///
    /// - Parameter health: tells that waiting is in vain.
    /// - Returns: nil where it hasn't ended yet.
    /// - Throws: `unreachable` with libpq's words.
    func connection(within limit: Duration, _ health: DatabaseHealth?) throws -> PostgresConnection?
    {
        let end = ContinuousClock.now + limit
        var made: OpaquePointer?
        let isThere = condition.withLock {
            while !isOver {
                let left = ContinuousClock.now.duration(to: end)
                guard left > .zero, health?.isInVain != true else { return false }
                // The clock on the wall may be set: in short pieces that does no harm.
                let piece = min(left, .milliseconds(100)) / .seconds(1)
                _ = condition.wait(until: Date(timeIntervalSinceNow: piece))
            }
            (made, handle) = (handle, nil)
            return true
        }
        guard isThere else {
            try health?.check()
            return nil
        }
        guard let made else { throw PostgresFailure.unreachable("no memory for a connection") }
        return try PostgresConnection(made)
    }
}
