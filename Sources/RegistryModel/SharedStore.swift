/// A store that several nodes share: what others write, a node has to be told.
public protocol SharedStore: Store, SharedAgentBook {
    /// Tells this node of every revision after the one that its memory was loaded at, whoever writes it.
    func follow(after position: Position)

    /// Where the log ends, by a server that takes writes: a standby may be behind.
    func headOfPrimary() async throws(RegistryError) -> Head

    /// How long nothing has been heard from the database: how old, at most, what this node answers is. A
    /// second or two while all is well.
    var silence: Duration { get }

    /// Whether this node, alone among all, does the work that one has to do. Another takes it over when
    /// this one is gone.
    var isOnDuty: Bool { get }

    /// What is wrong with the way to the database, in words for the operator, where this node can't keep
    /// its promises until that is put right.
    var flaw: String? { get }
}
