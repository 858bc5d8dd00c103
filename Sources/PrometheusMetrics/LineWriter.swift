import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Writes whole lines to a file descriptor, one write(2) for each.
///
/// The kernel keeps writes to a pipe together up to 4 KiB only, and may take a part; therefore lines
/// also wait for each other here. Errors are ignored: there is nowhere to report them.
final class LineWriter: Sendable {
    static let standardError = LineWriter(descriptor: 2)

    private let turn = Mutex<Void>(())
    private let put: @Sendable (UnsafeRawBufferPointer) -> Int

    convenience init(descriptor: Int32) {
        self.init { write(descriptor, $0.baseAddress, $0.count) }
    }

    /// - Parameter put: like write(2): gives the number of bytes it took, or -1 and `errno`.
    init(put: @escaping @Sendable (UnsafeRawBufferPointer) -> Int) {
        self.put = put
    }

    func append(_ line: String) {
        var line = line
        line.withUTF8 { utf8 in
            var rest = UnsafeRawBufferPointer(utf8)[...]
            turn.withLock { _ in
                while !rest.isEmpty {
                    let count = put(UnsafeRawBufferPointer(rebasing: rest))
                    if count < 0, errno == EINTR { continue }
                    guard count > 0 else { return }
                    rest = rest.dropFirst(count)
                }
            }
        }
    }
}
