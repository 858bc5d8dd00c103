import RegistryModel
import RoutingTable

/// The reader for Swift: what the library's C functions say, as values.
///
/// Nobody can check that it's `Sendable`, for a handle is pointers; it's for any number of threads, by atomics alone.
package final class RoutesReader: @unchecked Sendable {
    private let handle: RoutesHandle

    package struct Route: Hashable, Sendable {
        package var location: LocationName
        package var upstream: String
        package var mode: Mode
        package var isFenced: Bool
        package var revision: Revision
    }

    package enum Finding: Hashable, Sendable {
        case found(Route)
        case unknown
        case notReady
    }

    package struct Status: Hashable, Sendable {
        package var position: Position
        package var domains: Int
        /// Since the agent has heard the registry, in milliseconds.
        package var heard: Int
        package var bytes: Int
    }

    /// - Throws: why there's nothing to read.
    package init(path: String) throws(SharedRoutesFailure) {
        switch RoutesHandle.open(path) {
        case .open(let handle): self.handle = handle
        case .absent: throw SharedRoutesFailure("can't be read", path)
        case .invalid:
            throw SharedRoutesFailure("\(path): no file of routes, or one that was cut short")
        case .version:
            throw SharedRoutesFailure("\(path): of a version that this release doesn't know")
        }
    }

    deinit {
        handle.close()
    }

    /// - Parameter host: as a visitor's request has it.
    package func find(_ host: String) -> Finding {
        var host = host
        return host.withUTF8 { find(UnsafeRawBufferPointer($0)) }
    }

    private func find(_ host: UnsafeRawBufferPointer) -> Finding {
        withUnsafeTemporaryAllocation(byteCount: 256, alignment: 8) { room in
            guard let start = host.baseAddress, let name = room.baseAddress,
                let count = HostName.read(start, host.count, into: name)
            else { return .unknown }
            return handle.reading { view in
                switch view.find(name, count) {
                case .unknown: .unknown
                case .notReady: .notReady
                case .found(let answer): .found(Route(answer, view))
                }
            }
        }
    }

    /// What an agent answers from it.
    ///
    /// - Parameter name: in canonical form; nil: what nobody can have.
    /// - Returns: nil: the file is being mended.
    func route(_ name: UnsafeRawBufferPointer?) -> (target: RouteTarget?, position: Position)? {
        handle.reading { view in
            guard view.isReadable else { return nil }
            // What is found is of this revision or of a later one, never of one before.
            let position = Position(
                epoch: Self.epoch(view), revision: Revision(Int64(clamping: view.visible)))
            guard let start = name?.baseAddress, let count = name?.count else {
                return (nil, position)
            }
            switch view.find(start, count) {
            case .unknown: return (nil, position)
            case .notReady: return nil
            case .found(let answer):
                let route = Route(answer, view)
                var target = RouteTarget(
                    location: route.location, mode: route.mode, revision: route.revision,
                    upstream: UpstreamURL(canonical: route.upstream))
                target.isFenced = route.isFenced
                let revision = max(position.revision, route.revision)
                return (target, Position(epoch: position.epoch, revision: revision))
            }
        }
    }

    private static func epoch(_ view: RoutesView) -> Epoch {
        let field = RoutesFormat.Field.epoch
        let count = Int(view.base.load(fromByteOffset: field, as: UInt8.self))
        let epoch = UnsafeRawBufferPointer(
            start: view.base + field + 1, count: min(count, RoutesFormat.Field.epochSize - 1))
        return Epoch(String(decoding: epoch, as: UTF8.self))
    }

    /// - Returns: nil: the file is being mended.
    package func status() -> Status? {
        handle.reading { view in
            guard view.isReadable, let sum = view.sum() else { return nil }
            let heardAt = view.word(at: RoutesFormat.Field.heardAt)
            let now = RoutesHandle.now()
            return Status(
                position: Position(
                    epoch: Self.epoch(view), revision: Revision(Int64(clamping: sum.revision))),
                domains: Int(clamping: sum.domains),
                heard: now > heardAt ? Int(clamping: now - heardAt) : 0,
                bytes: view.size)
        }
    }
}

extension RoutesReader.Route {
    fileprivate init(_ answer: RoutesView.Answer, _ view: RoutesView) {
        func text(_ start: Int, _ count: Int) -> String {
            String(
                decoding: UnsafeRawBufferPointer(start: view.base + start, count: count),
                as: UTF8.self)
        }
        let (mode, isFenced) = answer.effective(in: view)
        location = LocationName(canonical: text(answer.locationStart, answer.locationCount))
        upstream = text(answer.upstreamStart, answer.upstreamCount)
        self.mode = Mode.allCases.first { $0.routeNumber == mode } ?? .reject
        self.isFenced = isFenced
        revision = Revision(Int64(clamping: answer.revision))
    }
}
