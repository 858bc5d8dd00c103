import ArgumentParser
import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel

extension Migrations {
    struct Plan: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Plan a migration: which domains, in which waves. Nothing moves yet.",
            discussion: """
                The domains come from a file (one name a line, # for comments; or CSV with a header \
                whose column fqdn is used; - for standard input), or are all those at --from that \
                fit --suffix, --prefix, --contains, --tenant and --registered-before. The other \
                domains of their tenants come along. Names that can't move are skipped and said, each with a \
                code. --waves 5,10%,rest makes a wave of 5, one \
                of a tenth, and one of all others.
                """)

        @Option(help: "Where the domains are.") var from: String
        @Option(help: "Where they shall go.") var to: String
        @Option(help: "A file with their names; - for standard input.") var file: String?
        @Option(help: "Only names below this one, or itself.") var suffix: String?
        @Option(help: "Only names that begin so.") var prefix: String?
        @Option(help: "Only names that have this text somewhere.") var contains: String?
        @Option(help: "Only this tenant's.") var tenant: String?
        @Option(help: "Only those registered before this time, RFC 3339.") var registeredBefore:
            String?
        @Flag(help: "All of them.") var all = false
        @Option(help: "About this share of those, by a stable hash of the name: above 0, to 100.")
        var samplePercent: Double?
        @Option(
            help: "Sizes, shares of the eligible, or rest, in order. (default: rest)",
            transform: WaveSizes.init)
        var waves: WaveSizes?
        @Option(help: "What people call it. (default: <from>-to-<to>)") var name: String?
        @Option(help: "Whether waves stop writes before they move: none, read_only, reject.")
        var freeze: FreezeMode = .none
        @Flag(help: "Move the names alone, without the others of their tenants.")
        var splitTenants = false
        @Flag(help: "Only say what the plan would be.") var dryRun = false
        @Flag(help: "With --dry-run: list who would move, and who is skipped and why.")
        var domains = false
        @Option(help: "With --domains: only this wave's.") var wave: Int?
        @Option(help: "With --domains: only those that are planned, or skipped.")
        var status: String?
        @Option(help: "Write the plan to this file, for review and run --plan.")
        var writePlan: String?
        @OptionGroup var why: NoteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        enum FreezeMode: String, ExpressibleByArgument, CaseIterable {
            case none, reject
            case readOnly = "read_only"
        }

        func validate() throws {
            let hasFilter =
                [suffix, prefix, contains, tenant, registeredBefore].contains { $0 != nil }
            guard dryRun || !domains else {
                throw ValidationError(
                    "--domains goes with --dry-run; of a plan, migrations show lists them.")
            }
            guard domains || (wave == nil && status == nil) else {
                throw ValidationError("--wave and --status belong to --domains.")
            }
            guard !domains || writePlan == nil else {
                throw ValidationError("--write-plan writes the plan, without --domains.")
            }
            guard file == nil || !(hasFilter || all || samplePercent != nil) else {
                throw ValidationError(
                    "Send either --file or filters (--suffix, --prefix, --contains, --tenant, --registered-before, --sample-percent, --all)."
                )
            }
            guard file != nil || hasFilter || all else {
                throw ValidationError("Which domains? Send --file, a filter, or --all.")
            }
            guard !(all && hasFilter) else {
                throw ValidationError(
                    "--all is without --suffix, --prefix, --contains, --tenant and --registered-before."
                )
            }
            guard samplePercent.map({ $0 > 0 && $0 <= 100 }) ?? true else {
                throw ValidationError(
                    "--sample-percent: a share above 0 and at most 100 is expected.")
            }
        }

        func run() async throws {
            let list = try file.map(readNames)
            var plan = PlanRequest(
                name: name, from: from, to: to, selection: selection(list),
                waves: waves?.waves ?? [],
                freeze: freeze == .none ? nil : freeze.rawValue)
            plan.wholeTenants = !splitTenants
            let key = "plan-\(UUID().uuidString)"
            try await client.withClient { [plan] registry in
                let planned: RegistryClient.Received<Migration>
                do {
                    guard !domains else { return try await listDomains(plan, registry) }
                    planned = try await Retry.calling {
                        try await registry.planMigration(
                            plan, dryRun: dryRun, note: why.note, idempotencyKey: key)
                    }
                } catch ClientError.refused(let refusal) {
                    sayLines(of: refusal, list)
                    throw ClientError.refused(refusal)
                }
                if let writePlan { try PlanFile.write(planned.text, to: writePlan) }
                MigrationView.show(planned, output.output)
                if planned.value.waves.isEmpty {
                    StandardError.write("no domain is eligible: there is nothing to run\n")
                } else if let id = planned.value.knownID {
                    StandardError.write("next: tenant-registry migrations run \(id)\n")
                }
            }
        }

        /// Each page plans anew: if the plan changes meanwhile, the registry says so.
        private func listDomains(_ plan: PlanRequest, _ registry: RegistryClient) async throws {
            try await PagedListing.print(output.output, limit: nil) { limit, cursor in
                let page = try await Retry.calling {
                    try await registry.previewMigration(
                        plan, note: why.note, wave: wave, status: status, limit: limit,
                        cursor: cursor)
                }
                if cursor == nil { StandardError.write(MigrationView.summary(page.migration)) }
                return page.domains ?? ListPage(items: [], nextCursor: nil)
            }
        }

        private func selection(_ list: NameList?) -> PlanRequest.Selection {
            if let list { return .names(list.names) }
            return .filter(
                [
                    (.suffix, suffix), (.prefix, prefix), (.contains, contains),
                    (.tenant, tenant), (.registeredBefore, registeredBefore),
                ], samplePercent: samplePercent)
        }

        private func readNames(_ path: String) throws -> NameList {
            guard path == "-" || FileManager.default.isReadableFile(atPath: path),
                let handle = path == "-" ? .standardInput : FileHandle(forReadingAtPath: path)
            else { throw CommandFailure.usage("--file: \(path) can't be read") }
            let list = try NameList(handle)
            list.bad.forEach { StandardError.write("\($0)\n") }
            guard list.bad.isEmpty else {
                throw CommandFailure.failed(
                    "no usable name on \(MigrationView.count(list.bad.count, "line")): nothing was planned"
                )
            }
            guard !list.entries.isEmpty else {
                throw CommandFailure.usage("--file: \(path) has no names")
            }
            guard list.entries.count <= NameList.most else {
                throw CommandFailure.usage(
                    "--file: \(path) has \(list.entries.count) names; \(NameList.most) are possible"
                )
            }
            return list
        }

        /// The service knows a name's place in the request, the caller its line.
        private func sayLines(of refusal: Refusal, _ list: NameList?) {
            for field in refusal.problem?.errors ?? [] {
                guard let entry = list?.entry(at: field.pointer) else { continue }
                let words = "line \(entry.line): \(entry.name): \(field.detail)"
                StandardError.write(Listing.printable(words) + "\n")
            }
        }
    }
}
