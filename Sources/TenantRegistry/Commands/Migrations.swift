import ArgumentParser

/// `tenant-registry migrations …`
struct Migrations: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Move many domains from one location to another, in waves, with a way back.",
        discussion: """
            plan says which domains move and in which waves; nothing moves yet. run goes wave by \
            wave; freeze, cutover, rollback and thaw are its steps by hand. finalize closes a \
            migration, cancel drops what hasn't moved.
            """,
        subcommands: [
            Plan.self, Show.self, List.self, Run.self, Freeze.self, Cutover.self, Rollback.self,
            Thaw.self, Finalize.self, Cancel.self,
        ])
}
