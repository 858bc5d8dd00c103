import ArgumentParser

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
