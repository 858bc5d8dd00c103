import ArgumentParser
import RegistryAPI
import SharedRoutes

/// `tenant-registry routes`
struct Routes: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read the file that an agent shares its table in (agent --share).",
        discussion: """
            Without a host: what the file is of, and for how long its agent hasn't heard the registry. With one: what a \
            proxy on this machine gets for it; exit code 1 where that's nothing.
            """)
    @Argument(help: "The file.") var file: String
    @Argument(help: "A host as a visitor's request has it.") var host: String?
    @OptionGroup var output: OutputOptions

    func run() throws {
        let reader: RoutesReader
        do throws(SharedRoutesFailure) {
            reader = try RoutesReader(path: file)
        } catch {
            throw CommandFailure.failed("\(error)")
        }
        if let host { try show(reader.find(host), host) } else { try show(reader.status()) }
    }

    private func show(_ finding: RoutesReader.Finding, _ host: String) throws {
        switch finding {
        case .unknown: throw CommandFailure.failed("\(host): no domain of the registry's")
        case .notReady: throw CommandFailure.failed("\(file): it's being mended; ask again")
        case .found(let route):
            var listing = Listing(["host", "location", "upstream", "mode", "fenced", "revision"])
            listing.add([
                .text(host), .text(route.location.text), .text(route.upstream),
                .text(route.mode.rawValue), .bool(route.isFenced), Cell(route.revision),
            ])
            listing.print(output.output)
        }
    }

    private func show(_ status: RoutesReader.Status?) throws {
        guard let status else {
            throw CommandFailure.failed("\(file): it's being mended; ask again")
        }
        var listing = Listing(["epoch", "revision", "domains", "heard_ms", "octets"])
        listing.add([
            .text(status.position.epoch.text), Cell(status.position.revision), Cell(status.domains),
            Cell(status.heard), Cell(status.bytes),
        ])
        listing.print(output.output)
    }
}
