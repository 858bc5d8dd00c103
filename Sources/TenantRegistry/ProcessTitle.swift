import Foundation
import PostgresStore

/// What others see of this process in the list of processes.
enum ProcessTitle {
    private static let variable = "TENANT_REGISTRY_STORE"

    /// Starts the process anew, under the same pid, with a store's URL in the environment instead of
    /// among the arguments, where the URL has a password in it.
    ///
    /// - Parameter url: what `--store` was given.
    static func hidePassword(in url: String?) throws {
        guard let url, (try? ConnectionSettings(url: url))?.hasPassword == true else { return }
        var arguments: [String] = []
        var isValue = false
        for argument in CommandLine.arguments {
            defer { isValue = argument == "--store" }
            guard !isValue, argument != "--store", !argument.hasPrefix("--store=") else { continue }
            arguments.append(argument)
        }
        setenv(variable, url, 1)
        let words = arguments.map { strdup($0) } + [nil]
        execv("/proc/self/exe", words)
        throw CommandFailure.usage(
            "--store: a password there shows in the list of processes; give it with --store-password-file"
        )
    }

    /// - Throws: `CommandFailure.usage` where a URL has a password in it.
    static func refusePassword(in urls: [String]) throws {
        guard urls.contains(where: { (try? ConnectionSettings(url: $0))?.hasPassword == true })
        else { return }
        throw CommandFailure.usage(
            "a password in a URL shows in the list of processes; give it as TENANT_REGISTRY_STORE_PASSWORD"
        )
    }
}
