import ArgumentParser
import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel

extension Migrations {
    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Move a migration's domains, wave by wave.",
            discussion: """
                Each wave is frozen first where the migration has a freeze; then come the command \
                of --before-cutover, where you copy data, the cutover, the time of --bake, and the \
                command of --check. Both commands are run by sh -c, with TENANT_REGISTRY_MIGRATION, \
                TENANT_REGISTRY_WAVE and TENANT_REGISTRY_STEP (before-cutover or check) in their \
                environment; what they write goes to stderr. Anything that fails stops the run; a \
                wave that is frozen and hasn't moved is thawed. A wave that somebody else has to approve first \
                stops it before anything of that wave is done, with exit code 5; --resume goes on.

                Ctrl-C or SIGTERM finishes the request under way, thaws a wave that hasn't moved, \
                says how to go on, and exits with 1; a second one exits at once.

                It asks for the migration's name where many domains are to move; without a terminal \
                it never asks, and refuses with 2 unless --yes is given.
                """)

        @OptionGroup var which: MigrationArgument
        @Option(help: "Only this wave. Repeatable. (default: all)") var wave: [Int] = []
        @Flag(help: "Go on where waves have moved already, with the first that hasn't.")
        var resume = false
        @Option(help: "Wait so long between waves: 60s, 15m, 2h.") var pause = TimeSpan(seconds: 0)
        @Option(help: "Wait so long between a cutover and its check.")
        var bake = TimeSpan(seconds: 0)
        @Option(help: "A freeze thaws by itself after so long; a week at most.")
        var deadline = TimeSpan(seconds: 900)
        @Option(help: "A command before each cutover, for copying data.") var beforeCutover: String?
        @Option(help: "A command after each wave, to see whether all is well.") var check: String?
        @Option(help: "Where a check fails: stop, or rollback that wave and stop.")
        var onFailure: FailureRule = .stop
        @OptionGroup var plan: PlanOptions
        @OptionGroup var convergence: ConvergenceOptions
        @Flag(
            help: ArgumentHelp(
                "Announce each wave, and move it only when no agent lets a write through.",
                discussion:
                    "It waits as --wait-converged does, 60 s unless --timeout says otherwise. Whoever is cut off fences itself meanwhile."
            ))
        var safe = false
        @OptionGroup var confirmation: ConfirmationOptions
        @OptionGroup var why: NoteOptions
        @Option(help: "table or ndjson: one object for each thing that happens.")
        var output: RunReport.Format = .table
        @OptionGroup var client: ClientOptions

        enum FailureRule: String, ExpressibleByArgument, CaseIterable {
            case stop, rollback
        }

        func validate() throws {
            guard Freeze.deadlines.contains(deadline.seconds) else {
                throw ValidationError("--deadline: 1 second to a week is possible.")
            }
        }

        func run() async throws {
            try await client.withClient { registry in
                let migration = try await which.find(registry).value
                try plan.check(migration)
                let schedule = try schedule(migration)
                for words in schedule.passedOver { StandardError.write("\(words): passed over\n") }
                StandardError.write(
                    MigrationView.unapproved(migration, only: schedule.items.map(\.number)))
                guard !schedule.items.isEmpty else {
                    return StandardError.write("no wave is left to move\n")
                }
                try confirmation.confirm(
                    "move \(MigrationView.count(schedule.size, "domain")) in \(MigrationView.count(schedule.items.count, "wave"))",
                    migration,
                    domains: schedule.size)
                // A reader that goes away, of stdout or stderr, mustn't end a run in mid-wave.
                signal(SIGPIPE, SIG_IGN)
                let report = RunReport(output, migration: migration.id, total: schedule.size)
                try await Interruption.heard { interruption in
                    try await MigrationRun(
                        registry, migration.id, migration, schedule, settings, report,
                        interruption
                    ).run()
                }
            }
        }

        private func schedule(_ migration: Migration) throws -> RunSchedule {
            do throws(RunSchedule.Refusal) {
                return try RunSchedule(migration, only: wave, isResuming: resume)
            } catch .closed(let state) {
                throw CommandFailure.failed("migration \(migration.id) is \(state)")
            } catch {
                throw CommandFailure.usage("migration \(migration.id): \(error)")
            }
        }

        private var settings: RunSettings {
            RunSettings(
                pause: pause, bake: bake, deadline: deadline, beforeCutover: beforeCutover,
                check: check, rollsBack: onFailure == .rollback,
                waitSeconds: convergence.seconds ?? (safe ? 60 : nil),
                isSafe: safe, overrideReason: plan.override, note: why.note)
        }
    }
}

extension RunReport.Format: ExpressibleByArgument {}
