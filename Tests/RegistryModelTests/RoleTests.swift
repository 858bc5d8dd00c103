import RegistryModel
import Testing

@Suite("A role") struct RoleTests {
    /// the contract, row by row.
    private static let table: [Role: Set<Permission>] = [
        .reader: [.read],
        .registrar: [.read, .register],
        .auditor: [.read, .audit],
        .operator_: [.read, .register, .audit, .operate],
        .admin: [.read, .register, .audit, .operate, .administer],
    ]

    @Test(arguments: Role.allCases, Permission.allCases)
    func `may what the contract's table gives it, and nothing else`(
        role: Role, permission: Permission
    ) {
        #expect(role.may(permission) == Self.table[role]?.contains(permission))
    }

    @Test func `has the name that the contract gives it`() {
        #expect(
            Role.allCases.map(\.rawValue)
                == ["reader", "registrar", "auditor", "operator", "admin"])
    }

    @Test func `works for a token until it expires or is revoked`() {
        let noon = Timestamp(milliseconds: 1_000)
        var token = TokenRecord(
            id: "t", name: "t", role: .reader, secretDigest: [], createdAt: noon)
        #expect(token.isActive(at: noon))
        token.expiresAt = Timestamp(milliseconds: 2_000)
        #expect(token.isActive(at: Timestamp(milliseconds: 1_999)))
        #expect(!token.isActive(at: Timestamp(milliseconds: 2_000)))
        token.expiresAt = nil
        token.revokedAt = noon
        #expect(!token.isActive(at: noon))
    }
}
