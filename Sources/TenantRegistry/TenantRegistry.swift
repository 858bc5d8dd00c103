import ArgumentParser
import Foundation

/// `tenant-registry`: the service and its command line, in one binary.
@main
struct TenantRegistry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tenant-registry",
        abstract: "The source of truth for where each tenant's subdomain lives.",
        discussion: """
            Every flag has a twin in the environment (--data-dir is TENANT_REGISTRY_DATA_DIR) and in \
            a JSON file given with --config ({"data-dir": "…"}); a flag beats the environment, which \
            beats the file. Data goes to stdout, everything else to stderr.

            Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by the server, 4 unreachable, \
            5 a wave waits for somebody else's approval.
            """,
        version: "0.1.0",
        subcommands: [
            Serve.self, Agent.self, Domains.self, Import.self, Export.self, Migrations.self,
            Tenants.self, Tokens.self, WhoamiCommand.self, Locations.self, WebhookCommands.self,
            Agents.self,
            Drift.self,
            DNSCommands.self,
            History.self, Routes.self,
            Verify.self, Backup.self, Restore.self, EpochCommands.self, CopyStore.self, Stats.self,
            Completions.self,
        ])

    /// Usage errors exit with 2, as the contract says; ArgumentParser's own code for them is 64.
    static func main() async {
        FileDescriptors.openStandard()
        ProcessTitle.hideToken()
        InitProcess.stepAside()
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            exit(for: error)
        }
        end(0)
    }

    /// Without `atexit`: a connection that hangs is left behind with its thread, and the libraries that
    /// tidy up at the end, OpenSSL above all, would do so under its hands.
    private static func end(_ code: Int32) -> Never {
        fflush(nil)
        _exit(code)
    }

    private static func exit(for error: any Error) -> Never {
        if let failure = error as? CommandFailure {
            StandardError.write("tenant-registry: \(failure)\n")
            end(failure.exitCode)
        }
        let code = exitCode(for: error)
        if error is ExitCode { end(code.rawValue) }
        // Help, and the version.
        if code.isSuccess { Self.exit(withError: error) }
        StandardError.write(fullMessage(for: error) + "\n")
        end(code == .validationFailure ? CommandFailure.usageCode : code.rawValue)
    }
}

/// `tenant-registry completions`
struct Completions: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print a completion script.",
        discussion:
            "For bash: tenant-registry completions bash > /etc/bash_completion.d/tenant-registry")

    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash, zsh, fish
    }

    @Argument(help: "bash, zsh or fish.") var shell: Shell

    func run() throws {
        let script: String =
            switch shell {
            case .bash: TenantRegistry.completionScript(for: .bash)
            case .zsh: TenantRegistry.completionScript(for: .zsh)
            case .fish: TenantRegistry.completionScript(for: .fish)
            }
        StandardOutput.write(script + "\n")
    }
}
