import Foundation
import RegistryModel

/// Which addresses a name has.
struct AddressLookup: Sendable {
    /// Blocks, on a thread of its own.
    let resolve: @Sendable (String) -> Result<[ReceiverAddress], LookupFailure>

    /// How long is waited for it.
    private static let limit = Duration.seconds(5)

    struct LookupFailure: Error, CustomStringConvertible {
        let description: String
    }

    /// As the system answers it: its hosts file, its name servers.
    static let system = AddressLookup { name in
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(name, nil, &hints, &list)
        guard code == 0 else {
            let why = String(cString: gai_strerror(code))
            return .failure(LookupFailure(description: "\(name) has no address: \(why)"))
        }
        defer { freeaddrinfo(list) }
        let found = sequence(first: list) { $0?.pointee.ai_next }.prefix { $0 != nil }
        var addresses: [ReceiverAddress] = []
        for case .some(let entry) in found {
            if let text = numeric(entry.pointee), let address = ReceiverAddress(text),
                !addresses.contains(address)
            {
                addresses.append(address)
            } else if numeric(entry.pointee).flatMap({ ReceiverAddress($0) }) == nil {
                // One with a zone, for example, which only a link-local one has.
                return .failure(LookupFailure(description: "\(name) has an address of no use"))
            }
        }
        return .success(addresses)
    }

    private static func numeric(_ entry: addrinfo) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let code = getnameinfo(
            entry.ai_addr, entry.ai_addrlen, &buffer, socklen_t(buffer.count), nil, 0,
            NI_NUMERICHOST)
        guard code == 0 else { return nil }
        return String(
            decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Addresses that may be connected to, in the order in which they're tried. Nobody can be made to wait for a name
    /// server: after the limit the thread is left to itself, and ends when the system gives up.
    ///
    /// - Throws: `LookupFailure`, also where one address of several is one that nothing may be sent to: the next answer
    ///   might have it first.
    func addresses(of url: WebhookURL, allowingLoopback: Bool) async throws -> [ReceiverAddress] {
        let found = if let address = url.address { [address] } else { try await lookUp(url.host) }
        for address in found {
            if let why = address.refusal(allowingLoopback: allowingLoopback) {
                throw LookupFailure(
                    description: "nothing is sent to \(url.host), for of \(address): \(why)")
            }
            if url.isPlain, address.kind != .loopback {
                throw LookupFailure(
                    description: "http is for this machine alone, and \(address) isn't one of it")
            }
        }
        guard !found.isEmpty else { throw LookupFailure(description: "\(url.host) has no address") }
        return found
    }

    private func lookUp(_ name: String) async throws -> [ReceiverAddress] {
        let (answers, answer) = AsyncStream.makeStream(
            of: Result<[ReceiverAddress], LookupFailure>.self, bufferingPolicy: .bufferingOldest(1))
        Thread.detachNewThread { [resolve] in
            answer.yield(resolve(name))
            answer.finish()
        }
        return try await withThrowingTaskGroup(of: [ReceiverAddress].self) { group in
            group.addTask {
                for await result in answers { return try result.get() }
                throw CancellationError()
            }
            group.addTask {
                try await Task.sleep(for: Self.limit)
                throw LookupFailure(description: "\(name) wasn't resolved within 5 s")
            }
            defer { group.cancelAll() }
            return try await group.next() ?? []
        }
    }
}
