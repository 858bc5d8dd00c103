import HTTPTypes
import LookupGrammar
import NIOCore
import RegistryAPI
import RegistryService
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
        repeating: nil, count: 5 * 2 * EventLoopScratch.statuses)

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
        case .forwardedStatus: 4
        }
    }
}

/// What a connection sent last. Proxies send the same fields with each request: then nothing has to
/// be read or verified again but that the token is still good.
struct ConnectionMemo {
    private var bytes: [UInt8] = []
    private var fields: LookupFields?
    private var token = TokenMemo()
    /// Whether the token's memo is of these fields.
    private var isTokenOfFields = false

    /// The fields that `bytes` begin with.
    mutating func read(_ bytes: UnsafeRawBufferPointer) -> LookupFields? {
        if let fields, bytes.count >= self.bytes.count, begins(bytes) { return fields }
        guard let new = LookupFields(bytes) else { return nil }
        fields = new
        self.bytes.removeAll(keepingCapacity: true)
        self.bytes.append(contentsOf: bytes[..<new.length])
        isTokenOfFields = false
        return new
    }

    /// In a time that doesn't depend on where the first difference is: a token is among the fields.
    private func begins(_ bytes: UnsafeRawBufferPointer) -> Bool {
        self.bytes.withUnsafeBytes { known in
            ConstantTime.equal(UnsafeRawBufferPointer(rebasing: bytes[..<known.count]), known)
        }
    }

    /// The token in an `Authorization` of the fields that were read last.
    ///
    /// - Parameter secret: the part of `field` that is a token of ours.
    mutating func token(
        _ field: UnsafeRawBufferPointer, _ service: LookupService,
        secret: (UnsafeRawBufferPointer) -> Substring?
    ) -> KnownToken? {
        if isTokenOfFields, let known = service.recall(token) { return known }
        if let known = service.recall(token, as: field) {
            isTokenOfFields = true
            return known
        }
        guard let secret = secret(field),
            let known = service.authenticate(secret, sentAs: field, &token)
        else { return nil }
        isTokenOfFields = true
        return known
    }
}
