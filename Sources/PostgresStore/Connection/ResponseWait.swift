/// The time that passes until an answer comes, and whether one can still come.
struct ResponseWait {
    /// How often it's looked whether to wait on.
    static let piece = Duration.milliseconds(250)
    /// Who waits for longer is looked up at the server, which may have answered long ago.
    private static let soon = Duration.seconds(1)

    private let connection: PostgresConnection
    private var since = ContinuousClock.now
    private var number: Int?

    init(_ connection: PostgresConnection) {
        self.connection = connection
    }

    /// After a while without anything.
    /// - Returns: why nothing will come.
    mutating func isInVain() -> String? {
        if connection.current?.isAnother(than: connection) == true {
            return "another server has taken over"
        }
        guard let health = connection.health else { return nil }
        if health.isInVain { return "nothing is heard of the database" }
        if let number {
            return health.hasLost(number)
                ? "the server answers others, and has nothing left to do for this session" : nil
        }
        if let backend = connection.backend, since.duration(to: .now) > Self.soon {
            number = health.begin(DatabaseHealth.Wait(server: connection.server, backend: backend))
        }
        return nil
    }

    /// Something has happened.
    mutating func end() {
        since = .now
        guard let number else { return }
        connection.health?.end(number)
        self.number = nil
    }
}
