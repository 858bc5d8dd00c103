import RegistryAPI
import RegistryClient

/// One line of an NDJSON import file.
enum NDJSONRow {
    /// - Parameter notCarried: gets the names of members that say how the domain was, not what it becomes.
    static func read(
        _ text: String, notCarried: inout Set<String>
    ) -> Result<BatchRegistration.Row, InvalidRow> {
        let shown = String(text.prefix(80))
        let document: JSONDocument
        do throws(JSONSyntaxError) {
            document = try JSONDocument(parsing: text.utf8)
        } catch {
            return .failure(InvalidRow(fqdn: shown, code: "invalid-json", detail: "\(error)"))
        }
        var object = JSONObjectReader(document)
        let fqdn = object.text("fqdn")
        // Other programs write null for nothing.
        let placement = PlacementText(reading: { object.isNull($0) ? nil : object.optionalText($0) }
        )
        for name in RowReader.exportedOnly where object.has(name) { notCarried.insert(name) }
        object.finish()
        if let problem = object.problems.first {
            return .failure(
                InvalidRow(
                    fqdn: fqdn ?? shown, code: "invalid-row",
                    detail: "\(problem.pointer): \(problem.detail)"))
        }
        return .success(BatchRegistration.Row(fqdn: fqdn ?? "", placement: placement))
    }
}
