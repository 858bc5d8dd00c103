import DurableFiles
import Foundation
import RegistryAPI
import RegistryModel

/// A plan that somebody has reviewed: the answer to a plan or a dry run, in a file.
struct PlanFile {
    let path: String
    let plan: Migration

    /// - Throws: `CommandFailure.usage` where the file can't be read or holds something else.
    init(path: String) throws {
        self.path = path
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure.usage("--plan: \(path) can't be read")
        }
        do {
            plan = try Migration(json: data)
        } catch {
            throw CommandFailure.usage("--plan: \(path) isn't a plan that --write-plan wrote")
        }
    }

    /// Holds what was reviewed against what the service has.
    ///
    /// - Throws: `CommandFailure.failed` with the first difference.
    func check(against migration: Migration) throws {
        if let mine = plan.knownID, mine != migration.id {
            throw differs("is migration \(mine)", migration.knownID ?? "none")
        }
        guard plan.digest == migration.digest else {
            throw differs("has digest \(plan.digestText)", migration.digestText)
        }
        let (mine, theirs) = (plan.waves.map(\.size), migration.waves.map(\.size))
        guard mine == theirs else { throw differs("has waves of \(mine)", "\(theirs)") }
    }

    private func differs(_ mine: String, _ theirs: String) -> CommandFailure {
        .failed("\(path) \(mine), the service's is \(theirs): nothing was done")
    }

    /// Nobody reads half a plan.
    static func write(_ text: String, to path: String) throws {
        do {
            try DurableFile.write((text + "\n").utf8, to: path, .kept(otherwise: 0o666))
        } catch {
            throw CommandFailure(error)
        }
    }
}
