import RegistryAPI
import RegistryModel
import RegistryService

/// Writes a stretch of the feed as JSON, in pieces whatever its size.
///
/// A revision in memory is encoded once for all readers, piece by piece; what stands around it is
/// each reader's own.
struct FeedText: Sendable {
    let service: RegistryService

    /// Bytes collected before they're written: many small revisions make one write.
    private static let writeSize = 64 * 1024

    /// - Parameters:
    ///   - prefix: what stands before the page.
    ///   - suffix: what stands after it.
    func write(
        _ range: FeedRange, prefix: String = "", suffix: String = "",
        to write: ([UInt8]) async throws -> Void
    ) async throws {
        var buffer = Array(prefix.utf8) + Self.opening(range)
        var isFirst = true
        func add(_ piece: [UInt8]) async throws {
            guard !piece.isEmpty else { return }
            if !isFirst { buffer.append(UInt8(ascii: ",")) }
            isFirst = false
            buffer += piece
            guard buffer.count >= Self.writeSize else { return }
            try await write(buffer)
            buffer.removeAll(keepingCapacity: true)
        }
        switch range.source {
        case .ring(let revisions):
            for revision in revisions {
                for number in 0..<revision.pieceCount {
                    try await add(Self.bytes(of: revision, piece: number))
                }
            }
        case .log(var items, hasMore: var hasMore):
            while true {
                try await add(Self.encode(items))
                guard hasMore, let last = items.last else { break }
                let page = try await service.feed(
                    restOf: range, after: last.place, limit: FeedRevision.pieceSize * 4)
                (items, hasMore) = (page.items, page.hasMore)
            }
        }
        buffer += Array("]}".utf8) + Array(suffix.utf8)
        try await write(buffer)
    }

    /// Everything up to the first change.
    private static func opening(_ range: FeedRange) -> [UInt8] {
        var writer = JSONWriter()
        writer.begin(
            FeedPage(
                epoch: range.epoch, from: range.from, to: range.to, head: range.head))
        return writer.finish()
    }

    /// Some changes of a revision, with commas between them: encoded once for all who read them in time. Twice
    /// where two readers meet.
    private static func bytes(of revision: FeedRevision, piece number: Int) -> [UInt8] {
        if let kept = revision.bytes(ofPiece: number) { return kept }
        let changes = revision.changes
        let domainCount = changes.domains.count
        let range = revision.range(ofPiece: number)
        let bytes = list(of: range.count) { writer in
            for place in range {
                if place < domainCount {
                    write(changes.domains[place], at: revision.revision, to: &writer)
                } else {
                    let change = changes.locations[place - domainCount]
                    writer.write(FeedChange(change, at: revision.revision))
                }
            }
        }
        revision.keep(bytes, ofPiece: number)
        return bytes
    }

    private static func write(
        _ change: RevisionChanges.DomainChange, at revision: Revision, to writer: inout JSONWriter
    ) {
        switch change {
        case .set(let domain): writer.write(domain)
        case .gone(let fqdn): writer.write(FeedChange.gone(revision, fqdn))
        }
    }

    private static func encode(_ items: [TableChange]) -> [UInt8] {
        list(of: items.count) { writer in
            for item in items {
                switch item.kind {
                case .domain(let change):
                    write(change, at: item.place.revision, to: &writer)
                case .location(let change):
                    writer.write(FeedChange(change, at: item.place.revision))
                case .other: break
                }
            }
        }
    }

    /// The inside of an array.
    private static func list(of count: Int, _ body: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: count * 192)
        body(&writer)
        return writer.finish()
    }
}
