import RegistryModel

extension TokenRecord {
    private static let columns = """
        t.id, t.name, t.role, t.secret_digest, t.created_at, t.expires_at, t.revoked_at, u.last_used_at
        """
    package static let select = """
        SELECT \(columns) FROM token t LEFT JOIN token_use u ON u.token = t.id
        """

    /// The revoked ones, which may be many more, aren't looked at: add `t.revoked_at IS NULL`.
    package static func selectLive(_ dialect: SQLDialect) -> String {
        """
        SELECT \(columns) FROM token t\(dialect.indexed(by: "token_live"))
        LEFT JOIN token_use u ON u.token = t.id
        """
    }

    package init(row: SQLRow) throws {
        self.init(
            id: try row.text(0), name: try row.text(1), role: try row.word(2),
            secretDigest: try row.bytes(3), createdAt: try row.time(4),
            expiresAt: try row.timeIfPresent(5), revokedAt: try row.timeIfPresent(6),
            lastUsedAt: try row.timeIfPresent(7))
    }
}
