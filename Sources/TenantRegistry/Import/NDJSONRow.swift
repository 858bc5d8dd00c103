import RegistryClient
import RegistryWire

/// One line of an NDJSON import file.
enum NDJSONRow {
    private static let exportedOnly = ["mode", "revision", "registered_at", "changed_at"]

    static func read(_ text: String) -> Result<RegistryClient.BatchRow, BadRow> {
        let shown = String(text.prefix(80))
        let value: JSONValue
        do throws(JSONSyntaxError) {
            value = try JSONValue(parsing: Array(text.utf8))
        } catch {
            return .failure(BadRow(fqdn: shown, code: "invalid-json", detail: "\(error)"))
        }
        var object = JSONObjectReader(value)
        let fqdn = object.text("fqdn")
        // Other programs write null for nothing.
        let location = object.isNull("location") ? nil : object.optionalText("location")
        let tenant = object.isNull("tenant") ? nil : object.optionalText("tenant")
        // What an export has beside them says how the domain was, not what it becomes.
        for name in exportedOnly { _ = object.isNull(name) }
        object.finish()
        if let problem = object.problems.first {
            return .failure(
                BadRow(
                    fqdn: fqdn ?? shown, code: "invalid-row",
                    detail: "\(problem.pointer): \(problem.detail)"))
        }
        return .success(
            RegistryClient.BatchRow(fqdn: fqdn ?? "", location: location, tenant: tenant))
    }
}
