import Foundation

/// Which release of a proxy a test runs.
enum ProxyRelease: String, CaseIterable, Sendable {
    /// Debian's.
    case debian
    /// PyPI's, which is newer.
    case newest

    /// - Returns: what `env` starts.
    func program(_ name: String, _ folder: TestFolder) async throws -> String {
        switch self {
        case .debian: name
        case .newest: try await Repository.script("proxy", [name], folder)
        }
    }
}
