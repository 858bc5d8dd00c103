import NIOCore
import Synchronization

/// What a client may take of a connection.
public struct ConnectionLimits: Sendable {
    /// Open connections, at most; further ones wait in the kernel's backlog.
    public var connections = 16_384
    /// Connections that the kernel keeps until they are accepted; its `somaxconn` may allow fewer.
    public var backlog = 4096
    /// Connections accepted in a row before requests on open ones have their turn again.
    public var acceptedAtOnce: UInt = 4
    /// A connection without a request closes after this. Above the 60 s for which AWS's load
    /// balancers keep theirs: the one that closes last never meets a closed connection.
    public var idle = TimeAmount.seconds(75)
    /// From a request's head to its last byte.
    public var requestArrival = TimeAmount.seconds(60)
    /// How long a client may leave an answer untaken.
    public var answerStall = TimeAmount.seconds(30)
    /// How long what a client still sends is thrown away, after an answer that ends the connection.
    public var linger = TimeAmount.seconds(2)
    /// Bytes of all header fields together.
    public var headerBytes = 32 * 1024
    public var headerCount = 200

    public init() {}
}

/// Raised once, when the service begins to stop: every answer from then on closes its connection.
public final class DrainSignal: Sendable {
    private let flag = Atomic(false)

    public init() {}

    public var isDraining: Bool { flag.load(ordering: .relaxed) }

    public func raise() { flag.store(true, ordering: .relaxed) }
}
