import AsyncHTTPClient
import NIOCore
import RegistryAPI
import RegistryModel

extension RegistryClient {
    /// Holds a list of what a location really has against the registry, at one revision.
    ///
    /// - Parameters:
    ///   - list: its bytes, which are read as the registry takes them. The answer may begin before it's over.
    ///   - receive: called with each finding in turn.
    /// - Returns: the last line.
    /// - Throws: `ClientError.unreachable` where the answer breaks off: what has come is not all that there is.
    package func drift<List: AsyncSequence & Sendable>(
        of location: String, _ list: List, _ format: NameListFormat,
        _ receive: (DriftEntry) async throws -> Void
    ) async throws -> DriftSummary where List.Element == ByteBuffer {
        var lines = LineSplitter()
        var summary: DriftSummary?
        _ = try await stream(
            .compareLocation, query: [("location", location)],
            sending: (.stream(list, length: .unknown), format.type), accept: .ndjson
        ) { piece in
            for line in lines.lines(in: piece) {
                switch try Self.read(line, DriftLine.init(json:)) {
                case .entry(let entry): try await receive(entry)
                case .summary(let last): summary = last
                }
            }
        }
        guard let summary else { throw ClientError.unreachable("\(place): the answer broke off") }
        return summary
    }
}
