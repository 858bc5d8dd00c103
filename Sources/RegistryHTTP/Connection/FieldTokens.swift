import HTTPTypes

extension HTTPFields {
    /// Whether a comma-separated field holds `token`, in any case of letters.
    func hasToken(_ token: String, in name: HTTPField.Name) -> Bool {
        guard contains(name) else { return false }
        return self[values: name].contains { value in
            value.split(separator: ",").contains {
                $0.trimmingPrefix { $0 == " " || $0 == "\t" }.lowercased()
                    .split(whereSeparator: { $0 == " " || $0 == "\t" }).first.map { $0 == token }
                    ?? false
            }
        }
    }
}
