/// A request of a visitor's as the application behind a proxy got it.
struct ToldRequest: Decodable, Sendable {
    var method: String
    var path: String
    /// Name and value of each field, in order.
    var headers: [[String]]
    /// Bytes.
    var body: Int

    func values(_ name: String) -> [String] {
        headers.filter { $0[0].lowercased() == name.lowercased() }.map { $0[1] }
    }

    /// Names of fields that an application could take for the registry's words, or for another proxy's, in
    /// every spelling that it may read as the same.
    var names: Set<String> {
        Set(headers.map { $0[0].lowercased().replacing("_", with: "-").replacing(".", with: "-") })
    }

    /// What is wrong with what a proxy said of a visitor from one of these addresses, by HTTP, to a host.
    func lies(host: String, location: String, mode: String, addresses: [String]) -> [String] {
        var lies: [String] = []
        func expect(_ isRight: Bool, _ name: String) {
            if !isRight { lies.append("\(name): \(values(name))") }
        }
        let name = Self.name(host)
        expect(values("Host").map(Self.name) == [name], "Host")
        expect(values("X-Forwarded-Host").map(Self.name) == [name], "X-Forwarded-Host")
        expect(values("X-Forwarded-Proto") == ["http"], "X-Forwarded-Proto")
        expect(values("X-Tenant-Location") == [location], "X-Tenant-Location")
        expect(values("X-Tenant-Mode") == [mode], "X-Tenant-Mode")
        let path = values("X-Forwarded-For").flatMap { $0.split(separator: ",") }
        let last = path.last?.trimmingCharacters(in: .whitespaces)
        expect(last.map(addresses.contains) ?? false, "X-Forwarded-For")
        let own = ["x-tenant-location", "x-tenant-mode", "x-tenant-revision"]
        for name in names where name.hasPrefix("x-tenant-") && !own.contains(name) {
            lies.append("\(name) is a visitor's word")
        }
        for name in ["forwarded", "x-original-host"] where names.contains(name) {
            lies.append("\(name) is a visitor's word")
        }
        for value in values("X-Tenant-Revision") + values("X-Forwarded-Proto")
        where value.contains("evil") { lies.append("\(value) is a visitor's word") }
        return lies
    }

    /// A host without its port, its dot at the end and its case.
    private static func name(_ host: String) -> String {
        var name = host.lowercased()
        if let colon = name.lastIndex(of: ":") { name = String(name[..<colon]) }
        return name.hasSuffix(".") ? String(name.dropLast()) : name
    }
}
