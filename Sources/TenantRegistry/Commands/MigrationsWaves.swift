import ArgumentParser
import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel

extension Migrations {
    struct Announce: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tell the agents which wave is about to be frozen.",
            discussion: """
                Nothing changes for visitors. Once an agent has applied it, it answers these domains as frozen by itself \
                when it can't hear the registry any more; so a freeze is safe, and not only known to most. Taken back by thaw.
                """)
        @OptionGroup var wave: WaveOptions
        @OptionGroup var reviewed: ReviewedPlanOptions
        @OptionGroup var convergence: ConvergenceOptions
        @OptionGroup var why: NoteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            try await client.withClient { registry in
                let step = try await WaveStepCommand(registry, wave)
                _ = try reviewed.digest(for: step.migration)
                let call = step.call("announce", why, waitSeconds: convergence.seconds)
                let announced = try await StepView.listingConflicts(output.output) {
                    try await Retry.calling {
                        try await registry.announce(step.reference, call: call)
                    }
                }
                StepView.show(announced, output.output)
            }
        }
    }
}

extension Migrations {
    struct Freeze: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stop writes to a wave's domains while their data is copied.",
            discussion: "Past the deadline the wave thaws by itself; it never moves by itself.")
        @OptionGroup var wave: WaveOptions
        @Option(help: "After how long it thaws by itself: 15m, 60s, 2h; a week at most.")
        var deadline: TimeSpan
        @OptionGroup var plan: PlanOptions
        @OptionGroup var convergence: ConvergenceOptions
        @Option(
            help:
                "Of a wave that was announced: wait so long, 0-300 s, until no agent lets a write through any more."
        )
        var waitSafe: TimeSpan?
        @OptionGroup var confirmation: ConfirmationOptions
        @OptionGroup var why: NoteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        static let deadlines = 1...604_800

        func validate() throws {
            guard Self.deadlines.contains(deadline.seconds) else {
                throw ValidationError("--deadline: 1 second to a week is possible.")
            }
            guard waitSafe == nil || !convergence.waitConverged else {
                throw ValidationError("--wait-safe and --wait-converged: one of them is possible.")
            }
            guard waitSafe.map({ $0.seconds <= 300 }) ?? true else {
                throw ValidationError("--wait-safe: at most 300 seconds are possible.")
            }
        }

        func run() async throws {
            try await client.withClient { registry in
                let step = try await WaveStepCommand(registry, wave)
                try plan.check(step.migration)
                try confirmation.confirm(
                    "freeze wave \(wave.wave), \(MigrationView.count(step.wave.size, "domain")), for \(deadline) at most",
                    step.migration, domains: step.wave.size)
                var call = step.call(
                    "freeze", why, waitSeconds: waitSafe?.seconds ?? convergence.seconds,
                    override: plan.override)
                call.waitsSafe = waitSafe != nil
                let frozen = try await StepView.listingConflicts(output.output) {
                    try await Retry.calling {
                        try await registry.freeze(
                            step.reference, deadlineSeconds: deadline.seconds, call: call)
                    }
                }
                StepView.show(frozen, output.output)
            }
        }
    }
}

extension Migrations {
    struct Thaw: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "End a wave's freeze where it is, or take its announcement back; the wave is planned again."
        )
        @OptionGroup var wave: WaveOptions
        @OptionGroup var why: NoteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func run() async throws {
            try await client.withClient { registry in
                let step = try await WaveStepCommand(registry, wave)
                let call = step.call("thaw", why)
                let thawed = try await Retry.calling {
                    try await registry.thaw(
                        migration: step.migration.id, wave: wave.wave, call: call)
                }
                StepView.show(thawed, output.output)
            }
        }
    }
}

extension Migrations {
    struct Cutover: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Move a wave's domains: all of them in one revision, or none.")
        @OptionGroup var wave: WaveOptions
        @OptionGroup var plan: PlanOptions
        @OptionGroup var convergence: ConvergenceOptions
        @Flag(help: "Move nothing unless every agent has applied the freeze.")
        var requireConverged = false
        @Flag(
            help:
                "Of a wave that was announced: move nothing while an agent may let a write through."
        )
        var requireSafe = false
        @OptionGroup var confirmation: ConfirmationOptions
        @OptionGroup var why: NoteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        func validate() throws {
            guard !requireSafe || !requireConverged else {
                throw ValidationError(
                    "--require-safe and --require-converged: one of them is possible.")
            }
        }

        func run() async throws {
            let requires = requireSafe ? "safe" : requireConverged ? "converged" : nil
            try await client.withClient { registry in
                let step = try await WaveStepCommand(registry, wave)
                try plan.check(step.migration)
                try confirmation.confirm(
                    "cut over wave \(wave.wave), \(MigrationView.count(step.wave.size, "domain"))",
                    step.migration,
                    domains: step.wave.size)
                let call = step.call(
                    "cutover", why, waitSeconds: convergence.seconds, override: plan.override)
                let moved = try await StepView.listingConflicts(output.output) {
                    try await Retry.calling {
                        try await registry.cutOver(
                            step.reference, requires: requires, call: call)
                    }
                }
                StepView.show(moved, output.output)
            }
        }
    }
}

extension Migrations {
    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a large wave freeze and move that somebody else has planned.",
            discussion: """
                Where the service asks for two people (serve --approve-above). Look at the plan first: show ID, and \
                show ID --domains --wave N. The token must be another one than the plan was made with. An approval \
                isn't taken back, for a plan never changes.
                """)
        @OptionGroup var wave: WaveOptions
        @OptionGroup var reviewed: ReviewedPlanOptions
        @OptionGroup var why: NoteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        /// Never asks: nothing moves yet.
        func run() async throws {
            try await client.withClient { registry in
                let step = try await WaveStepCommand(registry, wave)
                let digest = try reviewed.digest(for: step.migration)
                StandardError.write(
                    "approve wave \(wave.wave), \(MigrationView.count(step.wave.size, "domain"))\n\(MigrationView.summary(step.migration))"
                )
                let call = step.call("approve", why)
                let approved = try await Retry.calling {
                    try await registry.approve(
                        migration: step.migration.id, wave: wave.wave, planDigest: digest,
                        call: call)
                }
                switch output.output {
                case .json, .ndjson: StandardOutput.write(approved.text + "\n")
                case .table, .csv, .spreadsheet:
                    Listing([approved.value], ApprovalOutcome.tableColumns).print(output.output)
                }
            }
        }
    }
}

extension Migrations {
    struct Rollback: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a moved wave's domains the location and mode from before.")
        @OptionGroup var wave: WaveOptions
        @Option(help: "Domains that changed since the cutover: fail the call, or skip them.")
        var onConflict: RollbackRequest.OnConflict = .fail
        @OptionGroup var convergence: ConvergenceOptions
        @OptionGroup var why: NoteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var client: ClientOptions

        /// Never asks: this is the way back.
        func run() async throws {
            try await client.withClient { registry in
                let step = try await WaveStepCommand(registry, wave)
                let call = step.call("rollback", why, waitSeconds: convergence.seconds)
                let back = try await StepView.listingConflicts(output.output) {
                    try await Retry.calling {
                        try await registry.rollBack(
                            migration: step.migration.id, wave: wave.wave,
                            onConflict: onConflict, call: call)
                    }
                }
                StepView.show(back, output.output)
            }
        }
    }
}

extension RollbackRequest.OnConflict: ExpressibleByArgument {}

/// One step of one wave by hand: the migration is read first, so that the digest and the count that
/// the service asks for are those that the caller has seen.
struct WaveStepCommand {
    let registry: RegistryClient
    let received: RegistryClient.Received<Migration>
    let wave: Wave
    private let key = UUID().uuidString

    /// - Throws: `CommandFailure.refused` where the migration has no such wave.
    init(_ registry: RegistryClient, _ options: WaveOptions) async throws {
        self.registry = registry
        received = try await options.migration.find(registry)
        guard let wave = received.value.waves.first(where: { $0.number == options.wave }) else {
            throw CommandFailure.refused(
                "migration \(received.value.id) has \(MigrationView.count(received.value.waves.count, "wave")), and no \(options.wave)"
            )
        }
        self.wave = wave
    }

    var migration: Migration { received.value }

    var reference: RegistryClient.WaveReference {
        RegistryClient.WaveReference(
            migration: migration.id, number: wave.number, planDigest: migration.digestText,
            expectedCount: wave.size)
    }

    func call(
        _ step: String, _ why: NoteOptions, waitSeconds: Int? = nil, override: String? = nil
    ) -> RegistryClient.WaveCall {
        RegistryClient.WaveCall(
            note: why.note, idempotencyKey: "\(step)-\(key)", overrideReason: override,
            waitSeconds: waitSeconds)
    }
}
