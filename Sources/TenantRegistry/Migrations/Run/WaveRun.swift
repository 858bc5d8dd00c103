import RegistryAPI
import RegistryClient
import RegistryModel

/// One wave of a run: freeze, the operator's own copying, cutover, bake, check; and the way back.
struct WaveRun {
    let run: MigrationRun
    let item: RunSchedule.Item

    private var settings: RunSettings { run.settings }
    private var number: Int { item.number }

    func take() async throws {
        run.interruption.leaving("stopped before wave \(number). \(run.goOn)")
        guard !run.interruption.isRaised else {
            throw stopped(run.interrupted("before wave \(number)"))
        }
        let isFrozen = try await freeze()
        do {
            try await prepare()
            try await cutOver(isFrozen: isFrozen)
        } catch let failure as StepFailure {
            report(failure)
            // Where somebody else acts on the wave, or nobody knows what happened, it isn't ours.
            let isOurs = isFrozen && failure.isRefusal && !failure.isWrongState
            throw stopped(failure.failure, isOurs ? await thaw() : whoApproves(failure))
        } catch {
            let failure = error as? CommandFailure ?? .failed("\(error)")
            throw stopped(failure, isFrozen ? await thaw() : "")
        }
        run.interruption.leaving("wave \(number) is moved, and wasn't checked. \(run.goOn)")
        try await bake()
        try await check()
    }

    /// - Returns: whether the wave is frozen now.
    private func freeze() async throws -> Bool {
        switch item.start {
        case .cutOver: return false
        case .frozen(let deadline):
            leaveFrozen(until: deadline)
            run.report.hint(
                "wave \(number) is frozen\(deadline.map { " until \($0)" } ?? ""): taken up there\n"
            )
            if settings.isSafe { try await waitUntilSafe() }
            return true
        case .freeze: if settings.isSafe { try await announce() }
        case .announced: try await checkAnnouncement()
        }
        do {
            let frozen = try await run.send(
                "freeze", wave: number, waitsSafe: settings.isSafe,
                override: settings.overrideReason
            ) {
                try await run.registry.freeze(
                    reference, deadlineSeconds: settings.deadline.seconds, call: $0)
            }
            leaveFrozen(until: frozen.deadline)
            run.report.say(.frozen, wave: number) { $0.fill(frozen) }
            try await checkSafety(frozen)
            return true
        } catch let failure as StepFailure {
            report(failure)
            let isAnnounced = settings.isSafe || item.start == .announced
            let state = isAnnounced && failure.isRefusal ? await thaw() : ""
            throw stopped(failure.failure, state + whoApproves(failure))
        }
    }

    /// Before anything is copied of a wave that somebody else has frozen.
    private func waitUntilSafe() async throws {
        for second in 0...(settings.waitSeconds ?? 0) {
            let safety: WaveSafety
            do {
                safety = try await Retry.calling(say: { run.report.hint($0) }) {
                    try await run.registry.safety(migration: run.id, wave: number)
                }.value
            } catch {
                let failure = StepFailure(error, step: "safety", wave: number)
                report(failure)
                throw stopped(failure.failure)
            }
            let unsafe = safety.agents.filter { $0.state == .unsafe }.map(\.name.text)
            if unsafe.isEmpty { return }
            let isLast = second == settings.waitSeconds ?? 0
            let goesOn = await run.interruption.sleep(TimeSpan(seconds: isLast ? 0 : 1).duration) {
                _ in
            }
            guard !isLast, goesOn else {
                throw stopped(
                    .failed(
                        "wave \(number): agents may let writes through: \(unsafe.joined(separator: ", "))"
                    ))
            }
        }
    }

    /// Whoever is cut off later fences itself only if it knows of this.
    private func announce() async throws {
        do {
            let announced = try await run.send("announce", wave: number) {
                try await run.registry.announce(reference, call: $0)
            }
            run.report.say(.announced, wave: number) { $0.fill(announced) }
            try await checkEverybodyKnows(announced.convergence)
        } catch let failure as StepFailure {
            report(failure)
            throw stopped(failure.failure, whoApproves(failure))
        }
    }

    private func checkAnnouncement() async throws {
        guard settings.isSafe else { return }
        run.report.hint("wave \(number) is announced: taken up there\n")
        let convergence = try await Retry.calling(say: { run.report.hint($0) }) {
            try await run.registry.convergence(waitSeconds: settings.waitSeconds ?? 0)
        }.value
        try await checkEverybodyKnows(convergence)
    }

    private func checkEverybodyKnows(_ convergence: Convergence?) async throws {
        guard let lagging = convergence?.lagging, lagging.isEmpty else {
            let names = convergence?.lagging.map(\.text).joined(separator: ", ") ?? "unknown"
            throw stopped(
                .failed("wave \(number): agents don't know that it is announced: \(names)"),
                await thaw())
        }
    }

    private func checkSafety(_ frozen: WaveStepResponse) async throws {
        guard settings.isSafe, frozen.safety?.isSafe != true else { return }
        let names = frozen.safety?.unsafe.map(\.text).joined(separator: ", ") ?? "unknown"
        throw stopped(
            .failed("wave \(number): agents may let writes through: \(names)"), await thaw())
    }

    private func leaveFrozen(until deadline: Timestamp?) {
        run.interruption.leaving(
            """
            wave \(number) is frozen\(deadline.map { ", and thaws by itself at \($0)" } ?? ""). \
            Thaw it with: tenant-registry migrations thaw \(run.id) --wave \(number). \(run.goOn)
            """)
    }

    private func prepare() async throws {
        guard !run.interruption.isRaised else {
            throw run.interrupted("before wave \(number) moved")
        }
        guard let command = settings.beforeCutover else { return }
        try await checkApproval()
        let outcome = await shell(command, step: "before-cutover")
        guard !run.interruption.isRaised else {
            throw run.interrupted("before wave \(number) moved")
        }
        run.report.say(
            outcome.isSuccess ? .beforeCutoverSucceeded : .beforeCutoverFailed, wave: number
        ) { $0.detail = "\(outcome)" }
        guard outcome.isSuccess else {
            throw CommandFailure.failed(
                "wave \(number): the command before the cutover \(outcome)")
        }
    }

    /// A wave without a freeze is refused at its cutover alone: its data isn't copied before.
    private func checkApproval() async throws(StepFailure) {
        guard item.start == .cutOver else { return }
        let waves: [Wave]
        do {
            waves = try await Retry.calling(say: { run.report.hint($0) }) {
                try await run.registry.migration(run.id).value.waves
            }
        } catch {
            throw StepFailure(error, step: "approval", wave: number)
        }
        guard !waves.contains(where: { $0.number == number && $0.needsApproval }) else {
            throw StepFailure(unapproved: number)
        }
    }

    /// Who has to do what before the wave can go on; empty where that isn't what stopped it.
    private func whoApproves(_ failure: StepFailure) -> String {
        guard failure.isForApproval else { return "" }
        let planner = run.migration.createdBy
        return """
            It was planned by \(Listing.printable(planner.name)) (token \(planner.token)). Another person, with an \
            operator's or admin's token of their own, looks at it and runs: tenant-registry migrations approve \
            \(run.id) --wave \(number) --plan-digest \(run.migration.digestText)

            """
    }

    private func cutOver(isFrozen: Bool) async throws {
        let moved = try await run.send("cutover", wave: number, override: settings.overrideReason) {
            // Writes may still get through where the freeze hasn't arrived.
            let requires =
                settings.isSafe ? "safe" : settings.waitSeconds == nil ? nil : "converged"
            return try await run.registry.cutOver(
                reference, requires: isFrozen ? requires : nil, call: $0)
        }
        run.report.say(.moved, wave: number) { $0.fill(moved) }
    }

    private func bake() async throws {
        guard settings.bake.seconds > 0 else { return }
        run.report.say(.baking, wave: number) { $0.seconds = settings.bake.seconds }
        let isOver = await run.interruption.sleep(settings.bake.duration) {
            run.report.show("wave \(number) bakes, \($0) s left")
        }
        guard isOver else {
            throw stopped(run.interrupted("while wave \(number), which is moved, bakes"))
        }
    }

    private func check() async throws {
        guard let command = settings.check else { return }
        guard !run.interruption.isRaised else {
            throw stopped(run.interrupted("after wave \(number) moved, before its check"))
        }
        let outcome = await shell(command, step: "check")
        if outcome.isSuccess {
            return run.report.say(.checkSucceeded, wave: number) { $0.detail = "\(outcome)" }
        }
        guard !run.interruption.isRaised else {
            throw stopped(run.interrupted("during the check of wave \(number), which is moved"))
        }
        run.report.say(.checkFailed, wave: number) { $0.detail = "\(outcome)" }
        let failure = "wave \(number): its check \(outcome)"
        guard settings.rollsBack else {
            let undo = "tenant-registry migrations rollback \(run.id) --wave \(number)"
            throw stopped(.failed("\(failure). It is moved; undo that with: \(undo)"))
        }
        try await rollBack()
        throw stopped(.failed("\(failure), and it was rolled back"))
    }

    private func rollBack() async throws {
        do {
            let back = try await run.send("rollback", wave: number) {
                try await run.registry.rollBack(migration: run.id, wave: number, call: $0)
            }
            run.report.say(.rolledBack, wave: number) { $0.fill(back) }
        } catch {
            report(error)
            throw CommandFailure.failed(
                "wave \(number): its check failed, and so did the rollback: \(error.failure)")
        }
    }

    /// The way out before a cutover.
    ///
    /// - Returns: what became of it, in words.
    private func thaw() async -> String {
        do {
            let thawed = try await run.send("thaw", wave: number, waits: false) {
                try await run.registry.thaw(migration: run.id, wave: number, call: $0)
            }
            run.report.say(.thawed, wave: number) { $0.fill(thawed) }
            return "wave \(number) is thawed. "
        } catch {
            report(error)
            return "wave \(number) couldn't be thawed, its deadline will do it: \(error.failure)\n"
        }
    }

    private var reference: RegistryClient.WaveReference {
        RegistryClient.WaveReference(
            migration: run.id, number: number, planDigest: run.migration.digestText,
            expectedCount: item.size)
    }

    private func shell(_ command: String, step: String) async -> ShellCommand.Outcome {
        run.report.show("wave \(number): \(step)")
        run.report.hint("wave \(number): \(command)\n")
        return await ShellCommand(text: command).run(
            environment: [
                "TENANT_REGISTRY_MIGRATION": run.id, "TENANT_REGISTRY_WAVE": "\(number)",
                "TENANT_REGISTRY_STEP": step,
            ], run.interruption)
    }

    private func report(_ failure: StepFailure) {
        for conflict in failure.problem?.conflicts ?? [] {
            run.report.say(.conflict, wave: number) { $0.conflict = conflict }
        }
        run.report.say(.failed, wave: number) {
            $0.code = failure.code
            $0.count = failure.problem?.conflictCount
            let lagging = failure.problem?.lagging ?? []
            $0.detail =
                (failure.problem?.detail ?? failure.failure.description)
                + (lagging.isEmpty ? "" : ": \(lagging.map(\.text).joined(separator: ", "))")
        }
    }

    private func stopped(_ failure: CommandFailure, _ state: String = "") -> CommandFailure {
        failure.appending("\n\(state)\(run.goOn)")
    }
}

extension RunEvent {
    fileprivate mutating func fill(_ step: WaveStepResponse) {
        revision = step.revision
        count = step.count
        tookMilliseconds = step.tookMilliseconds
        deadline = step.deadline
    }
}
