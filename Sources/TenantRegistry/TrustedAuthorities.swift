import Foundation
import NIOSSL

/// Which authorities a registry's certificate may come from, where it isn't one of the system's.
struct TrustedAuthorities {
    /// Where they are, as the operator said it.
    private enum Source {
        case flag(String, _ name: String)
        case environment(file: String?, folders: String?)
    }

    /// What most other clients look at.
    private static let fileVariable = "SSL_CERT_FILE"
    private static let foldersVariable = "SSL_CERT_DIR"

    /// For connections to `url`. What is named takes the place of the system's authorities, as with other clients.
    ///
    /// - Returns: nil where the system's count.
    /// - Throws: `CommandFailure.usage` for a file or folders that hold no certificate. What the environment names is
    ///   looked at only where it counts: it's there for every program of the machine.
    static func configuration(
        _ flag: String?, _ settings: Settings, for url: URL
    ) throws -> TLSConfiguration? {
        guard let source = try source(flag, settings, for: url) else { return nil }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(try certificates(source))
        return configuration
    }

    /// For webhooks' receivers. What the environment names counts where it's any good: it's there for every program of the
    /// machine, and no reason for a service not to start.
    ///
    /// - Throws: `CommandFailure.usage` for a file of `--webhook-ca-file` that holds no certificate.
    static func ofReceivers(_ flag: String?, _ settings: Settings) throws -> TLSConfiguration? {
        var source: Source?
        if let path = try settings.text(flag, webhookFlag) {
            source = .flag(path, webhookFlag)
        } else if variable(fileVariable) != nil || variable(foldersVariable) != nil {
            source = .environment(file: variable(fileVariable), folders: variable(foldersVariable))
        }
        guard let source else { return nil }
        var configuration = TLSConfiguration.makeClientConfiguration()
        if case .flag = source {
            configuration.trustRoots = .certificates(try certificates(source))
        } else if let found = try? certificates(source) {
            configuration.trustRoots = .certificates(found)
        }
        return configuration
    }

    private static let webhookFlag = "webhook-ca-file"

    private static func source(
        _ flag: String?, _ settings: Settings, for url: URL
    ) throws -> Source? {
        if let path = try settings.text(flag, "ca-file") { return .flag(path, "ca-file") }
        guard url.scheme == "https" else { return nil }
        let (file, folders) = (variable(fileVariable), variable(foldersVariable))
        guard file != nil || folders != nil else { return nil }
        return .environment(file: file, folders: folders)
    }

    /// An empty one says nothing.
    private static func variable(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func certificates(_ source: Source) throws -> [NIOSSLCertificate] {
        switch source {
        case .flag(let path, let name): return try inFile(path, "--\(name)")
        case .environment(let file, let folders):
            var certificates = try file.map { try inFile($0, fileVariable) } ?? []
            if let folders {
                let found = folders.split(separator: ":").flatMap { inFolder(String($0)) }
                guard !found.isEmpty || file != nil else {
                    throw CommandFailure.usage(
                        "\(foldersVariable): no folder of \(folders) has a certificate in PEM under the name of its hash, as openssl rehash gives it"
                    )
                }
                certificates += found
            }
            return certificates
        }
    }

    private static func inFile(_ path: String, _ name: String) throws -> [NIOSSLCertificate] {
        guard let found = try? NIOSSLCertificate.fromPEMFile(path), !found.isEmpty else {
            throw CommandFailure.usage(
                "\(name): \(path) can't be read, or isn't a file of certificates in PEM")
        }
        return found
    }

    /// As OpenSSL does: of a folder count the files that are named by their certificate's hash and a number,
    /// `5ed36f99.0`; a folder that isn't there, and a file that can't be read, count for nothing.
    private static func inFolder(_ path: String) -> [NIOSSLCertificate] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.sorted().filter { $0.wholeMatch(of: /[0-9a-f]{8}\.[0-9]+/) != nil }.flatMap {
            name in
            (try? NIOSSLCertificate.fromPEMFile("\(path)/\(name)")) ?? []
        }
    }
}
