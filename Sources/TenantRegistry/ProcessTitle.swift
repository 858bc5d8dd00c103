import Foundation
import PostgresStore

/// What others see of this process in the list of processes.
enum ProcessTitle {
    /// Starts the process anew, under the same pid, with a store's URL in the environment instead of
    /// among the arguments, where the URL has a password in it.
    ///
    /// - Parameter url: what `--store` was given.
    static func hidePassword(in url: String?) throws {
        guard let url, (try? ConnectionSettings(url: url))?.hasPassword == true else { return }
        begin(without: "--store", variable: "TENANT_REGISTRY_STORE", url)
        throw CommandFailure.usage(
            "--store: a password there shows in the list of processes; give it with --store-password-file"
        )
    }

    /// The same for `--token`, of whichever command: some run for days. Where the process can't be started
    /// anew it goes on as it is.
    static func hideToken() {
        let arguments = CommandLine.arguments.prefix { $0 != "--" }
        let flag = "--token"
        // Where it's refused, at once, because no token is asked for.
        guard !arguments.contains("--offline") else { return }
        if let inline = arguments.last(where: { $0.hasPrefix(flag + "=") }) {
            begin(
                without: flag, variable: "TENANT_REGISTRY_TOKEN",
                String(inline.dropFirst(flag.count + 1)))
        } else if let index = arguments.lastIndex(of: flag), index + 1 < arguments.endIndex {
            begin(without: flag, variable: "TENANT_REGISTRY_TOKEN", arguments[index + 1])
        }
    }

    /// Returns where the process couldn't be started anew.
    private static func begin(without flag: String, variable: String, _ value: String) {
        var arguments: [String] = []
        var isValue = false
        var isOver = false
        for argument in CommandLine.arguments {
            isOver = isOver || argument == "--"
            defer { isValue = !isOver && argument == flag }
            guard isOver || !isValue && argument != flag && !argument.hasPrefix(flag + "=") else {
                continue
            }
            arguments.append(argument)
        }
        setenv(variable, value, 1)
        let words = arguments.map { strdup($0) } + [nil]
        execv("/proc/self/exe", words)
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
