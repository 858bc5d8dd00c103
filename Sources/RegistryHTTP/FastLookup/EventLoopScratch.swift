import HTTPTypes
import LookupGrammar
import NIOCore
import RegistryAPI
import Synchronization

/// What the connections of one event loop work with, one after the other: memory that is used again
/// for the next answer.
final class EventLoopScratch {
    /// Answers that are about to be written.
    var answers = ByteBufferAllocator().buffer(capacity: 4096)
    var json = JSONWriter(reservingCapacity: 512)
    var date = DateField()
    /// The id of the request at hand.
    let requestID = UnsafeMutableRawBufferPointer.allocate(
        byteCount: RequestID.lengths.upperBound, alignment: 8)
    var requestIDLength = 0
    private var metrics: [StatusMetrics?] = Array(
        repeating: nil, count: 4 * 2 * EventLoopScratch.statuses)

    deinit {
        requestID.deallocate()
    }

    private static let statuses = 4

    /// The series of one kind of answer, found once.
    func metrics(_ line: LookupLine, _ status: LookupStatus) -> StatusMetrics {
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

/// The scratches of a server, one for each event loop that has had a connection.
final class EventLoopScratches: Sendable {
    private let scratches = Mutex<[ObjectIdentifier: NIOLoopBound<EventLoopScratch>]>([:])

    /// On the event loop itself.
    func scratch(on eventLoop: any EventLoop) -> EventLoopScratch {
        scratches.withLock { scratches in
            if let known = scratches[ObjectIdentifier(eventLoop)] { return known }
            let new = NIOLoopBound(EventLoopScratch(), eventLoop: eventLoop)
            scratches[ObjectIdentifier(eventLoop)] = new
            return new
        }.value
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
