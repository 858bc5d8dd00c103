import CAres
import Foundation

/// One question, and a number by which the asker knows it again.
package struct DNSQuestion: Hashable, Sendable {
    package var number: Int
    /// Lower case, without the final dot.
    package var name: String
    package var type: DNSType

    package init(_ number: Int, _ name: String, _ type: DNSType) {
        self.number = number
        self.name = name
        self.type = type
    }
}

/// How a question ended.
package enum DNSOutcome: Hashable, Sendable {
    case answered(DNSReply)
    /// Nobody answered, after all tries.
    case silent
    /// It couldn't be asked, or the answer can't be read: why.
    case failed(String)
}

/// Many questions to one server, some hundreds of them at a time.
package struct NameServerQueries: Sendable {
    package let server: NameServerAddress
    /// Whether the server shall ask others.
    package var isRecursive: Bool
    /// Of the first try; each further one waits twice as long.
    package var timeout: Duration
    package var tries: Int

    package init(
        _ server: NameServerAddress, isRecursive: Bool = false,
        timeout: Duration = .milliseconds(1000), tries: Int = 4
    ) {
        self.server = server
        self.isRecursive = isRecursive
        self.timeout = timeout
        self.tries = tries
    }

    package struct Unusable: Error, CustomStringConvertible {
        package let description: String

        fileprivate init(_ status: Int32) {
            description = "c-ares: " + String(cString: ares_strerror(status))
        }
    }

    /// Asks until there are no more questions, and blocks the thread meanwhile.
    ///
    /// - Parameters:
    ///   - next: the next question; nil: none for now. It's asked again after each answer.
    ///   - receive: false: no more is wanted; what is on its way is forgotten.
    package func run(
        next: () -> DNSQuestion?, receive: (DNSQuestion, DNSOutcome) -> Bool
    ) throws(Unusable) {
        let channel = try openChannel()
        // It calls back for whatever is on its way, so `inbox` has to be there still.
        let inbox = Inbox()
        defer { withExtendedLifetime(inbox) { ares_destroy(channel) } }
        var inFlight = 0
        var window = QueryWindow()
        while true {
            while inFlight < window.size, let question = next() {
                inFlight += 1
                ask(question, on: channel, inbox)
            }
            for (question, outcome, wasLost) in inbox.take() {
                inFlight -= 1
                window.note(wasLost: wasLost)
                guard receive(question, outcome) else { return }
            }
            guard inFlight > 0 else {
                // What was received last may have led to another question.
                guard let question = next() else { return }
                inFlight += 1
                ask(question, on: channel, inbox)
                continue
            }
            wait(on: channel)
        }
    }

    /// Once a process: it isn't safe to do on two threads.
    private static let library = ares_library_init(ARES_LIB_INIT_ALL)

    private func openChannel() throws(Unusable) -> ares_channel {
        guard Self.library == ARES_SUCCESS else { throw Unusable(Self.library) }
        var options = ares_options()
        // An answer is an answer, whatever its code: c-ares would take some for silence.
        options.flags =
            ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_STAYOPEN | ARES_FLAG_NOCHECKRESP
            | (isRecursive ? 0 : ARES_FLAG_NORECURSE)
        let (seconds, attoseconds) = timeout.components
        options.timeout = Int32(seconds * 1000 + attoseconds / 1_000_000_000_000_000)
        options.tries = Int32(tries)
        options.socket_receive_buffer_size = 1 << 20
        var channel: ares_channel?
        let status = ares_init_options(
            &channel, &options,
            ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_RCVBUF)
        guard status == ARES_SUCCESS, let channel else { throw Unusable(status) }
        let set = ares_set_servers_ports_csv(channel, server.description)
        guard set == ARES_SUCCESS else {
            ares_destroy(channel)
            throw Unusable(set)
        }
        return channel
    }

    private func ask(_ question: DNSQuestion, on channel: ares_channel, _ inbox: Inbox) {
        // c-ares calls back once for each question, at the latest when the channel is destroyed, always on
        // the thread that is inside one of its functions.
        let context = Unmanaged.passRetained(Pending(question, inbox)).toOpaque()
        ares_query(
            channel, question.name, Int32(1), Int32(question.type.rawValue),
            { context, status, timeouts, message, length in
                guard let context else { return }
                Unmanaged<Pending>.fromOpaque(context).takeRetainedValue()
                    .end(
                        status, UnsafeBufferPointer(start: message, count: Int(length)),
                        wasLost: timeouts > 0)
            }, context)
    }

    /// Until something is there to be read, or it's time to try something again.
    private func wait(on channel: ares_channel) {
        var sockets = [ares_socket_t](repeating: ARES_SOCKET_BAD, count: Int(ARES_GETSOCK_MAXNUM))
        let bits = UInt32(
            bitPattern: ares_getsock(channel, &sockets, Int32(ARES_GETSOCK_MAXNUM)))
        var waiting: [pollfd] = []
        for (number, socket) in sockets.enumerated() {
            let reads = bits & (1 << UInt32(number)) != 0
            let writes = bits & (1 << UInt32(number + Int(ARES_GETSOCK_MAXNUM))) != 0
            guard reads || writes else { continue }
            let events = (reads ? POLLIN : 0) | (writes ? POLLOUT : 0)
            waiting.append(pollfd(fd: socket, events: Int16(events), revents: 0))
        }
        var most = timeval(tv_sec: 1, tv_usec: 0)
        var soonest = timeval()
        if let next = ares_timeout(channel, &most, &soonest) { most = next.pointee }
        let milliseconds = Int32(most.tv_sec * 1000 + (most.tv_usec + 999) / 1000)
        let count = poll(&waiting, nfds_t(waiting.count), milliseconds)
        guard count > 0 else {
            return ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD)
        }
        for each in waiting where each.revents != 0 {
            let isWritable = Int32(each.revents) & POLLOUT != 0
            let isReadable = Int32(each.revents) & ~POLLOUT != 0
            ares_process_fd(
                channel, isReadable ? each.fd : ARES_SOCKET_BAD,
                isWritable ? each.fd : ARES_SOCKET_BAD)
        }
    }

    /// What has come while c-ares was at work. Nobody else's code runs inside its calls.
    private final class Inbox {
        private var outcomes: [(DNSQuestion, DNSOutcome, wasLost: Bool)] = []

        func put(_ question: DNSQuestion, _ outcome: DNSOutcome, wasLost: Bool) {
            outcomes.append((question, outcome, wasLost))
        }

        func take() -> [(DNSQuestion, DNSOutcome, wasLost: Bool)] {
            defer { outcomes.removeAll(keepingCapacity: true) }
            return outcomes
        }
    }

    private final class Pending {
        private let question: DNSQuestion
        private let inbox: Inbox

        init(_ question: DNSQuestion, _ inbox: Inbox) {
            self.question = question
            self.inbox = inbox
        }

        func end(
            _ status: Int32, _ message: UnsafeBufferPointer<UInt8>, wasLost: Bool
        ) {
            inbox.put(question, outcome(status, message), wasLost: wasLost)
        }

        private func outcome(
            _ status: Int32, _ message: UnsafeBufferPointer<UInt8>
        ) -> DNSOutcome {
            if message.baseAddress != nil, message.count > 0 {
                return DNSReply(message: message, name: question.name).map { .answered($0) }
                    ?? .failed("an answer that isn't a DNS message")
            }
            switch status {
            case ARES_ETIMEOUT, ARES_ECONNREFUSED: return .silent
            default: return .failed(String(cString: ares_strerror(status)))
            }
        }
    }
}
