import Foundation
import NIOSSL

/// Which authorities a registry's certificate may come from, where it isn't one of the system's.
struct TrustedAuthorities {
    /// Where they are, as the operator said it.
    private enum Source {
        case flag(String)
        case environment(String)

        var path: String {
            switch self {
            case .flag(let path), .environment(let path): path
            }
        }

        var name: String {
            switch self {
            case .flag: "--ca-file"
            case .environment: TrustedAuthorities.variable
            }
        }
    }

    /// What most other clients look at.
    private static let variable = "SSL_CERT_FILE"

    /// For connections to `url`. A file takes the place of the system's authorities, as with other clients.
    ///
    /// - Returns: nil where the system's count.
    /// - Throws: `CommandFailure.usage` for a file that holds no certificate. What `SSL_CERT_FILE` names is looked at
    ///   only where it counts: it's there for every program of the machine.
    static func configuration(
        _ flag: String?, _ settings: Settings, for url: URL
    ) throws -> TLSConfiguration? {
        guard let source = try source(flag, settings, for: url) else { return nil }
        let certificates: [NIOSSLCertificate]
        do {
            certificates = try NIOSSLCertificate.fromPEMFile(source.path)
        } catch {
            certificates = []
        }
        guard !certificates.isEmpty else {
            throw CommandFailure.usage(
                "\(source.name): \(source.path) can't be read, or isn't a file of certificates in PEM"
            )
        }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(certificates)
        return configuration
    }

    private static func source(
        _ flag: String?, _ settings: Settings, for url: URL
    ) throws -> Source? {
        if let path = try settings.text(flag, "ca-file") { return .flag(path) }
        guard url.scheme == "https",
            let path = ProcessInfo.processInfo.environment[variable], !path.isEmpty
        else { return nil }
        return .environment(path)
    }
}
