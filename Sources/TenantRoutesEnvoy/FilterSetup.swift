import CEnvoyModule
import CTenantRoutes
import Synchronization

/// What one filter of Envoy's configuration has: the path of an agent's file, and the file once somebody has opened it.
///
/// It's one piece of memory, for Envoy keeps a pointer: a word with the open file, then the path with NUL behind it. All
/// workers use it at once; Envoy gives it back when the last request of the filter's has ended.
struct FilterSetup {
    private static let pathOffset = 8
    let memory: UnsafeMutableRawPointer

    init(_ memory: UnsafeMutableRawPointer) { self.memory = memory }

    /// - Parameter path: absolute: Envoy's folder of today may not be the one of tomorrow.
    /// - Returns: nil where the path can't be one.
    static func make(path: tr_envoy_text) -> FilterSetup? {
        guard let start = path.start, path.count > 1, start[0] == CChar(UInt8(ascii: "/")),
            memchr(start, 0, path.count) == nil,
            let memory = calloc(1, pathOffset + path.count + 1)
        else { return nil }
        (memory + pathOffset).copyMemory(from: start, byteCount: path.count)
        return FilterSetup(memory)
    }

    /// Nobody else uses it any more.
    func end() {
        if let box = pointer(opened.pointee.load(ordering: .acquiring)) {
            RoutesHandle.at(box).close()
            free(box)
        }
        free(memory)
    }

    private var opened: UnsafeMutablePointer<Atomic<UInt>> {
        memory.assumingMemoryBound(to: Atomic<UInt>.self)
    }

    private func pointer(_ word: UInt) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: word)
    }

    enum File {
        case open(RoutesHandle)
        /// No agent has shared one yet.
        case absent
        /// It's none that this reads: another version's, or no agent's.
        case foreign
    }

    /// Whoever finds no file that is open already looks at the path.
    var file: File {
        if let box = pointer(opened.pointee.load(ordering: .acquiring)) {
            return .open(RoutesHandle.at(box))
        }
        let path = (memory + Self.pathOffset).assumingMemoryBound(to: CChar.self)
        switch RoutesHandle.open(path) {
        case .open(let routes): return keep(routes)
        case .absent: return .absent
        case .invalid, .version: return .foreign
        }
    }

    private func keep(_ routes: RoutesHandle) -> File {
        guard let box = routes.boxed() else {
            routes.close()
            return .absent
        }
        let (isFirst, other) = opened.pointee.compareExchange(
            expected: 0, desired: UInt(bitPattern: box), ordering: .acquiringAndReleasing)
        guard !isFirst, let winner = pointer(other) else { return .open(routes) }
        // Another worker has opened it meanwhile: there's one handle, for it keeps revisions from going back.
        routes.close()
        free(box)
        return .open(RoutesHandle.at(winner))
    }
}
