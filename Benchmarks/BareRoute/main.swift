import Hummingbird

/// The measure for a lookup: a bare Hummingbird route that answers a small Codable, with nothing
/// before or behind it.
struct Answer: ResponseCodable {
    let fqdn: String
    let location: String
    let mode: String
    let tenant: String
    let revision: Int
    let registered_at: String
    let changed_at: String
}

let router = Router()
router.get("/v1/domains/:fqdn") { _, context in
    Answer(
        fqdn: context.parameters.get("fqdn") ?? "", location: "aws", mode: "serve",
        tenant: "acme-inc",
        revision: 48211, registered_at: "2019-09-03T01:02:03.000Z",
        changed_at: "2020-06-21T00:00:00.000Z")
}
let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 8081
let app = Application(
    router: router, configuration: .init(address: .hostname("127.0.0.1", port: port)))
try await app.runService()
