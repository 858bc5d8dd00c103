import Foundation

/// Whoever started this process and asked to be told how it does: systemd with `Type=notify`, or anybody else who
/// speaks the protocol of `sd_notify(3)`: datagrams of NAME=VALUE lines, to the socket that `NOTIFY_SOCKET` names.
///
/// Nothing is answered, and nothing here depends on being heard: a manager that has gone away doesn't end a service.
struct ServiceManager: Sendable {
    /// As `sun_path` has it: an abstract name begins with a NUL.
    private let path: [UInt8]
    /// Within each such interval it wants to hear that the service is alive. nil: it doesn't watch.
    let watchdog: Duration?

    /// `nil`: nobody wants to be told.
    ///
    /// - Parameter process: the one that the manager watches, if it does; its children inherit the variables.
    init?(
        _ environment: [String: String] = ProcessInfo.processInfo.environment,
        process: pid_t = getpid()
    ) {
        let longest = MemoryLayout.size(ofValue: sockaddr_un().sun_path)
        guard let name = environment["NOTIFY_SOCKET"], name.hasPrefix("/") || name.hasPrefix("@"),
            (2..<longest).contains(name.utf8.count)
        else { return nil }
        path = name.hasPrefix("@") ? [0] + name.utf8.dropFirst() : name.utf8 + [0]
        let watched = environment["WATCHDOG_PID"].map { $0 == "\(process)" } ?? true
        watchdog =
            watched
            ? environment["WATCHDOG_USEC"].flatMap { Int64($0) }.flatMap {
                $0 > 0 ? .microseconds($0) : nil
            } : nil
    }

    /// Sends `lines` as one message: what stands in one is taken in together.
    ///
    /// - Parameter descriptor: an open file that goes along.
    /// - Returns: whether it could be sent; nobody says whether it was read.
    @discardableResult
    func tell(_ lines: String..., with descriptor: CInt? = nil) -> Bool {
        let sender = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard sender >= 0 else { return false }
        defer { close(sender) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        var text = Array(lines.joined(separator: "\n").utf8)
        var attachment = DescriptorAttachment(descriptor ?? -1)
        return withUnsafeMutablePointer(to: &address) { address in
            text.withUnsafeMutableBytes { text in
                withUnsafeMutablePointer(to: &attachment) { attachment in
                    var part = iovec(iov_base: text.baseAddress, iov_len: text.count)
                    return withUnsafeMutablePointer(to: &part) { part in
                        var message = msghdr()
                        message.msg_name = UnsafeMutableRawPointer(address)
                        // Of an abstract name every byte counts, also the zeros that would follow it.
                        message.msg_namelen = socklen_t(
                            MemoryLayout.offset(of: \sockaddr_un.sun_path)! + path.count)
                        message.msg_iov = part
                        message.msg_iovlen = 1
                        if descriptor != nil {
                            message.msg_control = UnsafeMutableRawPointer(attachment)
                            message.msg_controllen = MemoryLayout<DescriptorAttachment>.size
                        }
                        return sendmsg(sender, &message, Int32(MSG_NOSIGNAL)) == text.count
                    }
                }
            }
        }
    }
}

/// One open file on its way to another process: what `CMSG_DATA` and its relations make in C, `unix(7)`.
private struct DescriptorAttachment {
    private var header = cmsghdr()
    private var descriptor: CInt
    /// What `CMSG_ALIGN` adds.
    private var padding: CInt = 0

    init(_ descriptor: CInt) {
        self.descriptor = descriptor
        header.cmsg_len = MemoryLayout<cmsghdr>.size + MemoryLayout<CInt>.size
        header.cmsg_level = SOL_SOCKET
        header.cmsg_type = CInt(SCM_RIGHTS)
    }
}
