import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel

/// Goes wave by wave, and stops at the first thing that isn't as it should be.
struct MigrationRun {
    let registry: RegistryClient
    let id: String
    let migration: Migration
    let schedule: RunSchedule
    let settings: RunSettings
    let report: RunReport
    let interruption: Interruption
    /// Of this run: with migration, wave and step it makes the idempotency keys.
    private let key = UUID().uuidString

    init(
        _ registry: RegistryClient, _ id: String, _ migration: Migration,
        _ schedule: RunSchedule, _ settings: RunSettings, _ report: RunReport,
        _ interruption: Interruption
    ) {
        self.registry = registry
        self.id = id
        self.migration = migration
        self.schedule = schedule
        self.settings = settings
        self.report = report
        self.interruption = interruption
    }

    /// - Throws: `CommandFailure` that says what stopped it, what state was left and how to go on.
    func run() async throws {
        report.say(.started) {
            $0.count = schedule.size
            $0.detail = MigrationView.count(schedule.items.count, "wave")
        }
        for (index, item) in schedule.items.enumerated() {
            if index > 0, settings.pause.seconds > 0 { try await pause(before: item) }
            try await WaveRun(run: self, item: item).take()
        }
        report.say(.finished) { $0.count = schedule.size }
        report.hint(next)
    }

    private var next: String {
        let done = Set(schedule.items.map(\.number))
        let left = migration.waves.filter { wave in
            wave.state.isOpen && !done.contains(wave.number)
        }
        guard !left.isEmpty else {
            return "when all is well: tenant-registry migrations finalize \(id)\n"
        }
        return "left: wave \(left.map { String($0.number) }.joined(separator: ", "))\n"
    }

    private func pause(before next: RunSchedule.Item) async throws {
        report.say(.pausing) { $0.seconds = settings.pause.seconds }
        interruption.leaving("stopped before wave \(next.number). \(goOn)")
        let isOver = await interruption.sleep(settings.pause.duration) {
            report.show("wave \(next.number) in \($0) s")
        }
        guard isOver else { throw interrupted("before wave \(next.number)").appending("\n\(goOn)") }
    }

    /// Sends a step, again where its answer was lost.
    ///
    /// - Throws: `CommandFailure` in the words of the step.
    func send(
        _ step: String, wave: Int, waits: Bool = true, waitsSafe: Bool = false,
        override: String? = nil,
        _ call: (RegistryClient.WaveCall) async throws
            -> RegistryClient.Received<WaveStepResponse>
    ) async throws(StepFailure) -> WaveStepResponse {
        var options = RegistryClient.WaveCall(
            note: settings.note, idempotencyKey: "run-\(key)-\(id)-\(wave)-\(step)",
            overrideReason: override, waitSeconds: waits ? settings.waitSeconds : nil)
        options.waitsSafe = waitsSafe
        report.show("wave \(wave): \(step)")
        do {
            let answer = try await Retry.calling(say: { report.hint($0) }) {
                try await call(options)
            }.value
            let lacks = answer.convergence.map { !$0.lagging.isEmpty } ?? false
            if lacks || answer.safety.map({ !$0.isSafe }) ?? false {
                report.hint(StepView.remarks(answer))
            }
            return answer
        } catch {
            throw StepFailure(error, step: step, wave: wave)
        }
    }

    func interrupted(_ place: String) -> CommandFailure {
        report.say(.interrupted) { $0.detail = place }
        return .failed("interrupted \(place)")
    }

    /// With all that this run does besides moving: a wave that moved without its copy would lose data.
    var goOn: String {
        (["Go on with: tenant-registry migrations run \(id) --resume"] + settings.arguments)
            .joined(separator: " ")
    }
}

/// A step that came to nothing, and what is known then.
struct StepFailure: Error {
    let failure: CommandFailure
    let problem: ProblemResponse?
    /// Whether the service said no, so that the wave is as it was.
    let isRefusal: Bool

    /// Of a wave that somebody else has to approve before anything is done with it.
    init(unapproved wave: Int) {
        problem = nil
        isRefusal = true
        failure = .unapproved("wave \(wave): it hasn't been approved yet")
    }

    init(_ error: any Error, step: String, wave: Int) {
        let words = "wave \(wave): \(step): "
        switch error {
        case ClientError.refused(let refusal):
            problem = refusal.problem
            isRefusal = problem != nil || (400..<500).contains(refusal.status)
            var text = words + "\(refusal)"
            if refusal.code == "wrong-state" {
                text +=
                    "\nanother run, or somebody by hand, got there first, or the deadline passed"
            }
            failure = refusal.isForApproval ? .unapproved(text) : .refused(text)
        case ClientError.unreachable(let what):
            problem = nil
            isRefusal = false
            failure = .unreachable("\(words)\(what)\n\(Self.unknown)")
        case ClientError.unreadable:
            problem = nil
            isRefusal = false
            failure = .failed("\(words)\(error)\n\(Self.unknown)")
        default:
            problem = nil
            isRefusal = false
            failure = .failed("\(words)\(error)")
        }
    }

    private static let unknown = "it may be done or not: tenant-registry migrations show says"

    /// Whether somebody else has to approve the wave first.
    var isForApproval: Bool { if case .unapproved = failure { true } else { false } }

    /// Stable, as problems have it.
    var code: String? { problem?.code ?? (isForApproval ? "approval-required" : nil) }

    /// Whether somebody else acts on the wave.
    var isWrongState: Bool { problem?.code == "wrong-state" }
}
