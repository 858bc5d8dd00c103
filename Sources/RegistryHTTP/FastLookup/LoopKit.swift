import HTTPTypes
import LookupGrammar
import NIOCore
import RegistryAPI
import Synchronization

/// What the connections of one event loop work with, one after the other: memory that is used again
/// for the next answer.
final class LoopKit {
    /// Answers that are about to be written.
    var answers = ByteBufferAllocator().buffer(capacity: 4096)
    var json = JSONWriter(reservingCapacity: 512)
    var date = DateField()
    /// The id of the request at hand.
    let requestID = UnsafeMutableRawBufferPointer.allocate(
        byteCount: RequestID.lengths.upperBound, alignment: 8)
    var requestIDLength = 0
    private var metrics: [StatusMetrics?] = Array(repeating: nil, count: 4 * 2 * LoopKit.statuses)

    deinit {
        requestID.deallocate()
    }

    private static let statuses = 4

    /// The series of one kind of answer, found once.
    func metrics(_ line: LookupLine, _ status: EarlyStatus) -> StatusMetrics {
        let place =
            (line.subject.number * 2 + (line.isHead ? 1 : 0)) * Self.statuses + status.rawValue
        if let known = metrics[place] { return known }
        let new = EndpointMetrics(
            method: line.isHead ? "HEAD" : "GET", route: line.subject.route
        ).status(status.code)
        metrics[place] = new
        return new
    }
}

/// The kits of a server, one for each event loop that has had a connection.
final class LoopKits: Sendable {
    private let kits = Mutex<[ObjectIdentifier: NIOLoopBound<LoopKit>]>([:])

    /// On the event loop itself.
    func kit(on eventLoop: any EventLoop) -> LoopKit {
        kits.withLock { kits in
            if let known = kits[ObjectIdentifier(eventLoop)] { return known }
            let new = NIOLoopBound(LoopKit(), eventLoop: eventLoop)
            kits[ObjectIdentifier(eventLoop)] = new
            return new
        }.value
    }
}

/// What an early answer may say.
enum EarlyStatus: Int {
    case ok, notModified, forbidden, notFound

    var code: Int {
        switch self {
        case .ok: 200
        case .notModified: 304
        case .forbidden: 403
        case .notFound: 404
        }
    }

    var line: StaticString {
        switch self {
        case .ok: "HTTP/1.1 200 OK\r\n"
        case .notModified: "HTTP/1.1 304 Not Modified\r\n"
        case .forbidden: "HTTP/1.1 403 Forbidden\r\n"
        case .notFound: "HTTP/1.1 404 Not Found\r\n"
        }
    }
}

extension LookupLine.Subject {
    fileprivate var number: Int {
        switch self {
        case .domain: 0
        case .query: 1
        case .forwarded: 2
        case .authority: 3
        }
    }
}
