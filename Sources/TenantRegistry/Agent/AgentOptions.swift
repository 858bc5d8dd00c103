import Foundation
import Logging
import NIOSSL
import RegistryAgent
import RegistryHTTP

/// What `agent` runs with, read and checked.
struct AgentOptions: Sendable {
    var upstream: URL
    var token: String?
    /// nil: the system's authorities.
    var trust: TLSConfiguration?
    var listen: ListenAddress
    /// The same for a proxy on this machine, at a lower price.
    var socket: ListenAddress?
    var folder: URL
    /// The file in which other processes find the table.
    var share: String?
    var agent: AgentSettings
    var http = HTTPOptions()
    /// Threads that serve connections. One answers more questions than a proxy beside it has, and what comes at once
    /// is answered in one turn.
    var eventLoops = 1
    var logLevel = Logger.Level.info
    /// Three times the registry's own interval: one heartbeat may be late.
    var heartbeatTimeout = Duration.seconds(30)
    /// From "not ready" to the end of listening: for load balancers to look away.
    var drain = Duration.seconds(1)
    /// How long requests under way may take to end, after the drain.
    var shutdown = Duration.seconds(30)

    init(
        upstream: URL, token: String?, listen: ListenAddress, folder: URL, agent: AgentSettings
    ) {
        self.upstream = upstream
        self.token = token
        self.listen = listen
        self.folder = folder
        self.agent = agent
    }
}
