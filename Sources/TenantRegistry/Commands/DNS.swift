import ArgumentParser

/// `tenant-registry dns`
struct DNSCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dns",
        abstract: "What the DNS has to say of a zone's tenants, and whether it does.",
        subcommands: [DNSExport.self, DNSDiff.self, DNSCheck.self])
}
