import RegistryModel

/// Which well-formed names signups may have: not a reserved one, and below a parent of ours.
public struct NamePolicy: Sendable {
    private let reservedLabels: Set<String>
    private let reservedNames: Set<String>
    private let suffixes: [FQDN]
    private let maximumBytes: Int

    /// - Parameters:
    ///   - reserved: the text of a list, one first label or whole name a line, `#` for comments.
    ///   - suffixes: parents below which names must lie; none: anywhere.
    ///   - maximumBytes: of a whole name.
    public init(
        reserved: String, suffixes: [FQDN], maximumBytes: Int = FQDN.maximumBytes
    ) {
        let entries = reserved.split(whereSeparator: \.isNewline)
            .map { $0.prefix { $0 != "#" }.filter { !$0.isWhitespace }.lowercased() }
            .filter { !$0.isEmpty }
        reservedLabels = Set(entries.filter { !$0.contains(".") })
        reservedNames = Set(entries.filter { $0.contains(".") })
        self.suffixes = suffixes
        self.maximumBytes = maximumBytes
    }

    /// The list that comes with the service.
    public static let standardReserved = String(
        decoding: PackageResources.reserved_labels_txt, as: UTF8.self)

    public func check(_ fqdn: FQDN) throws(RegistryError) {
        if let refusal = try refusal(of: fqdn) { throw refusal }
    }

    /// What a registration would meet that this service could take; nil: nothing.
    ///
    /// - Throws: `malformedName` for what no registration takes, though lookups do.
    public func refusal(of fqdn: FQDN) throws(RegistryError) -> RegistryError? {
        guard fqdn.text.utf8.count <= maximumBytes else {
            throw .malformedName(input: fqdn.text, .longerThanAllowed)
        }
        guard !fqdn.hasReservedHyphens else {
            throw .malformedName(input: fqdn.text, .reservedHyphens)
        }
        let isInside = suffixes.isEmpty || suffixes.contains { fqdn != $0 && fqdn.isWithin($0) }
        guard isInside else { return .outsideSuffix(fqdn) }
        guard !reservedLabels.contains(String(fqdn.firstLabel)), !reservedNames.contains(fqdn.text)
        else { return .reservedName(fqdn) }
        return nil
    }
}
