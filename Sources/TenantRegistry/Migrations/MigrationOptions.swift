import ArgumentParser
import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel

/// Which migration: an id, or a name that no other one has.
struct MigrationArgument: ParsableArguments {
    @Argument(help: "The migration's id, or its name where no other one has it.")
    var migration: String

    /// Reads it. An id goes before a name: nobody can take one from another migration by such a name.
    ///
    /// - Throws: `CommandFailure.usage` where several have the name, the service's refusal where none has.
    func find(_ registry: RegistryClient) async throws -> RegistryClient.Received<Migration> {
        var refusal: any Error = CommandFailure.refused(
            "there's no migration \(migration), by id or name")
        if migration.wholeMatch(of: /[a-z0-9-]+/) != nil {
            do {
                return try await registry.migration(migration)
            } catch ClientError.refused(let answer) where answer.code == "unknown-migration" {
                refusal = ClientError.refused(answer)
            }
        }
        guard let id = try await named(registry) else { throw refusal }
        return try await registry.migration(id)
    }

    /// - Returns: the id of the only one that has the name.
    private func named(_ registry: RegistryClient) async throws -> String? {
        var ids: [String] = []
        var cursor: String?
        repeat {
            let page = try await registry.migrations(state: nil, limit: 1000, cursor: cursor)
            ids += page.items.filter { $0.name == migration }.map(\.id)
            cursor = page.nextCursor
        } while cursor != nil
        guard ids.count < 2 else {
            throw CommandFailure.usage(
                "\(ids.count) migrations have the name \(migration): \(ids.prefix(10).joined(separator: ", ")); say which, by its id"
            )
        }
        return ids.first
    }
}

/// Which wave.
struct WaveOptions: ParsableArguments {
    @OptionGroup var migration: MigrationArgument
    @Option(help: "The wave's number.") var wave: Int
}

/// What the caller takes the plan to be.
struct PlanOptions: ParsableArguments {
    @Option(
        help:
            "A reviewed plan, written by plan --write-plan: refuse where the service's is another. (default: trust the service's)"
    )
    var plan: String?

    @Option(help: "Set the guard on large waves aside, and why: admins only.")
    var override: String?

    /// - Throws: `CommandFailure` where the reviewed plan is another.
    func check(_ migration: Migration) throws {
        guard let plan else { return }
        try PlanFile(path: plan).check(against: migration)
    }
}

/// What the second person has looked at: an approval is worth no more than that.
struct ReviewedPlanOptions: ParsableArguments {
    @Option(help: "The plan that you have looked at, written by plan --write-plan.")
    var plan: String?
    @Option(help: "Or its digest.") var planDigest: String?

    func validate() throws {
        guard (plan != nil) != (planDigest != nil) else {
            throw ValidationError(
                "Say which plan you have looked at: --plan FILE, or else --plan-digest as migrations show has it."
            )
        }
    }

    /// - Returns: the digest to approve.
    /// - Throws: `CommandFailure` where the service's plan is another than the file's.
    func digest(for migration: Migration) throws -> String {
        if let plan { try PlanFile(path: plan).check(against: migration) }
        return planDigest ?? migration.digestText
    }
}

/// Whether to wait for the agents.
struct ConvergenceOptions: ParsableArguments {
    @Flag(help: "Wait until every live agent has applied it.") var waitConverged = false
    @Option(help: "How long --wait-converged waits at most, 0-300 s. (default: 30s)")
    var timeout: TimeSpan?

    func validate() throws {
        guard timeout == nil || waitConverged else {
            throw ValidationError("--timeout belongs to --wait-converged.")
        }
        guard timeout.map({ $0.seconds <= 300 }) ?? true else {
            throw ValidationError("--timeout: at most 300 seconds are possible.")
        }
    }

    /// Nil: don't.
    var seconds: Int? { waitConverged ? timeout?.seconds ?? 30 : nil }
}

/// The typed yes to what moves many.
struct ConfirmationOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Don't ask.") var yes = false
    @Option(help: "Ask where more domains than this are to move.") var confirmAbove = 100

    /// - Parameter what: what is about to be done, in a line.
    /// - Throws: `CommandFailure.usage` where nobody can be asked, `.failed` for another answer.
    func confirm(_ what: String, _ migration: Migration, domains: Int) throws {
        StandardError.write("\(what)\n\(MigrationView.summary(migration))")
        guard domains > confirmAbove, !yes else { return }
        try Confirmation.ask(
            for: migration.name, because: "\(domains) domains are more than \(confirmAbove)")
    }
}

/// Asks a person at a terminal, and nobody else.
enum Confirmation {
    /// - Parameter name: what has to be typed.
    static func ask(for name: String, because reason: String) throws {
        guard isatty(STDIN_FILENO) == 1, StandardError.isTerminal else {
            throw CommandFailure.usage(
                "\(reason), and there's no terminal to ask at: pass --yes to go on")
        }
        StandardError.write(
            "\(reason). Type the migration's name, \(Listing.printable(name)), to go on: ")
        guard readLine()?.trimmingCharacters(in: .whitespaces) == name else {
            throw CommandFailure.failed("that isn't its name: nothing was done")
        }
    }
}
