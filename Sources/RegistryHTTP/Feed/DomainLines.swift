import RegistryModel
import RegistryService

/// All domains at one revision, page by page: memory for one page, however many there are.
struct DomainLines: Sendable {
    let service: RegistryService
    let revision: Revision

    /// Domains read at once.
    private static let pageSize = 2_000

    /// - Parameter encode: appends what one domain becomes.
    func write(
        _ opening: [UInt8], closing: [UInt8] = [],
        to write: ([UInt8]) async throws -> Void,
        _ encode: (Domain, inout [UInt8]) -> Void
    ) async throws {
        var buffer = opening
        var last: FQDN?
        repeat {
            let page = try await service.snapshotPage(
                after: last, at: revision, limit: Self.pageSize)
            for domain in page.items { encode(domain, &buffer) }
            last = page.hasMore ? page.items.last?.fqdn : nil
            if last == nil { buffer += closing }
            if !buffer.isEmpty { try await write(buffer) }
            buffer.removeAll(keepingCapacity: true)
        } while last != nil
    }
}
