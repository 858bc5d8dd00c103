import Foundation
import Hummingbird
import Logging
import RegistryHTTP
import RegistryModel
import RegistryService

/// What `serve` runs with, read and checked.
struct ServeOptions: Sendable {
    var listen: ListenAddress
    var opsListen: ListenAddress?
    /// Of the embedded store, and of the first admin token.
    var folder: URL
    var store = StoreChoice.embedded
    /// How long a start waits for a database that can't be reached.
    var storeWait = Duration.seconds(30)
    var quarantine = Duration.seconds(90 * 24 * 60 * 60)
    var blastRadius = BlastRadius()
    /// How long an agent's word counts.
    var agentLease = Duration.seconds(60)
    var suffixes: [FQDN] = []
    var reservedNames = NamePolicy.standardReserved
    var http = HTTPOptions()
    /// Threads that serve connections.
    var eventLoops = 1
    var logLevel = Logger.Level.info
    /// From "not ready" to the end of listening: for load balancers to look away.
    var drain = Duration.seconds(1)
    /// How long requests under way may take to end, after the drain.
    var shutdown = Duration.seconds(30)

    init(listen: ListenAddress, folder: URL) {
        self.listen = listen
        self.folder = folder
    }
}

/// `127.0.0.1:8080`, `[::1]:8080`, `localhost:0`.
struct ListenAddress: Sendable, CustomStringConvertible {
    let description: String
    let bind: BindAddress

    /// - Throws: `CommandFailure.usage` where it isn't HOST:PORT.
    static func read(_ text: String, _ flag: String) throws -> ListenAddress {
        guard let address = ListenAddress(text) else {
            throw CommandFailure.usage("--\(flag): HOST:PORT is expected, not \(text)")
        }
        return address
    }

    /// `nil`: it isn't HOST:PORT.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), colon != text.startIndex,
            let port = UInt16(text[text.index(after: colon)...])
        else { return nil }
        let host = text[..<colon].trimmingPrefix("[")
        description = text
        bind = .hostname(
            host.hasSuffix("]") ? String(host.dropLast()) : String(host), port: Int(port))
    }
}
