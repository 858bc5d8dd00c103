import Foundation
import NIOCore
import RegistryHTTP
import Synchronization

/// The listeners' sockets, which the service manager keeps from one process to the next (systemd's file descriptor store,
/// `FileDescriptorStoreMax=`): while the service is started anew, connections wait in the kernel's queue of a socket that
/// was never closed, and nobody is refused.
///
/// A socket is known by its name, and taken only where it's bound to the address that this process was told: an address
/// that has changed meanwhile is opened as if nothing had been kept.
final class KeptSockets: Sendable {
    /// The first one that a manager hands over, `sd_listen_fds(3)`.
    private static let first: CInt = 3

    private let manager: ServiceManager?
    private let sockets: Mutex<[String: CInt]>

    init(
        _ manager: ServiceManager?,
        _ environment: [String: String] = ProcessInfo.processInfo.environment,
        process: pid_t = getpid()
    ) {
        self.manager = manager
        guard environment["LISTEN_PID"] == "\(process)",
            let count = environment["LISTEN_FDS"].flatMap({ CInt($0) }), count > 0
        else {
            sockets = Mutex([:])
            return
        }
        let names = (environment["LISTEN_FDNAMES"] ?? "").split(
            separator: ":", omittingEmptySubsequences: false)
        var found: [String: CInt] = [:]
        for (name, socket) in zip(names, Self.first..<Self.first + count) {
            // A command that the service runs must not hold its listeners open.
            guard fcntl(socket, F_SETFD, FD_CLOEXEC) == 0 else { continue }
            if let twin = found.updateValue(socket, forKey: String(name)) { close(twin) }
        }
        sockets = Mutex(found)
    }

    /// The socket that was kept under `name`; nil where there's none that is bound to `address`.
    func take(_ name: String, at address: ListenAddress) -> CInt? {
        guard let socket = sockets.withLock({ $0.removeValue(forKey: name) }) else { return nil }
        if address.isBound(socket) { return socket }
        close(socket)
        manager?.tell("FDSTOREREMOVE=1", "FDNAME=\(name)")
        return nil
    }

    /// Gives the manager the socket of a listener that is open now. It stays this process' as well.
    func keep(_ name: String, _ channel: any Channel) async {
        guard let manager else { return }
        try? await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
                of: NIOBSDSocket.Handle.self
            ) { socket in
                // It isn't polled by the manager: who connects to it is none of its business.
                _ = manager.tell("FDSTORE=1", "FDNAME=\(name)", "FDPOLL=0", with: socket)
            }
        }.get()
    }
}

extension ListenAddress {
    /// Whether `socket` listens at this address. Port 0 is any port.
    fileprivate func isBound(_ socket: CInt) -> Bool {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let isRead = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(socket, $0, &size) == 0
            }
        }
        guard isRead else { return false }
        switch place {
        case .unix(let path):
            guard storage.ss_family == sa_family_t(AF_UNIX) else { return false }
            return withUnsafeBytes(of: &storage) { bytes in
                let name = bytes.dropFirst(MemoryLayout.offset(of: \sockaddr_un.sun_path)!)
                return name.prefix { $0 != 0 }.elementsEqual(path.utf8)
            }
        case .host(let host, let port):
            guard
                let wanted = try? SocketAddress.makeAddressResolvingHost(host, port: port),
                let numeric = Self.numeric(&storage, size)
            else { return false }
            return wanted.ipAddress == numeric.host && (port == 0 || port == numeric.port)
        }
    }

    private static func numeric(
        _ storage: inout sockaddr_storage, _ size: socklen_t
    ) -> (host: String, port: Int)? {
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        let failure = withUnsafePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getnameinfo(
                    $0, size, &host, socklen_t(host.count), &port, socklen_t(port.count),
                    NI_NUMERICHOST | NI_NUMERICSERV)
            }
        }
        guard failure == 0, let number = Int(text(port)) else { return nil }
        return (text(host), number)
    }

    private static func text(_ bytes: [CChar]) -> String {
        String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
