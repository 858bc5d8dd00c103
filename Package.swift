// swift-tools-version: 6.2
import PackageDescription

/// One language for the whole house: Swift 6 mode, and a warning stops the build.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
]

let package = Package(
    name: "tenant-registry",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "tenant-registry", targets: ["TenantRegistry"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    ],
    targets: [
        // The model: values, rules, protocols. No I/O.
        .systemLibrary(
            name: "CLibIDN2", pkgConfig: "libidn2", providers: [.apt(["libidn2-dev"])]),
        .target(name: "RegistryModel", dependencies: ["CLibIDN2"], swiftSettings: strict),

        // What a command does inside a transaction, the same for every engine.
        .target(
            name: "RegistryLedger",
            dependencies: [
                "DurableFiles", "RegistryModel", .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict),

        .target(name: "RoutingTable", dependencies: ["RegistryModel"], swiftSettings: strict),
        .target(
            name: "RegistryService",
            dependencies: [
                "RegistryModel", "RoutingTable",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            resources: [.embedInCode("reserved-labels.txt")],
            swiftSettings: strict),

        .target(name: "DurableFiles", swiftSettings: strict),

        // The stores.
        .target(
            name: "Migrations",
            path: "migrations",
            resources: [
                .embedInCode("0001_registry.sqlite.sql"),
                .embedInCode("0002_migrations.sqlite.sql"),
                .embedInCode("0003_history_filters.sqlite.sql"),
                .embedInCode("0004_agents.sqlite.sql"),
                .embedInCode("0005_reads.sqlite.sql"),
                .embedInCode("0006_clocks.sqlite.sql"),
                .embedInCode("0007_forget_agents.sqlite.sql"),
                .embedInCode("0008_names_and_modes.sqlite.sql"),
                .embedInCode("0009_agents_ahead.sqlite.sql"),
                .embedInCode("0001_registry.postgres.sql"),
                .embedInCode("0002_migrations.postgres.sql"),
                .embedInCode("0003_history_filters.postgres.sql"),
                .embedInCode("0004_agents.postgres.sql"),
                .embedInCode("0005_reads.postgres.sql"),
                .embedInCode("0006_clocks.postgres.sql"),
                .embedInCode("0007_forget_agents.postgres.sql"),
                .embedInCode("0008_names_and_modes.postgres.sql"),
                .embedInCode("0009_agents_ahead.postgres.sql"),
            ],
            swiftSettings: strict),
        .target(
            name: "StoreCore",
            dependencies: [
                "RegistryModel", "RegistryLedger",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict),
        .target(
            name: "SQLiteStore",
            dependencies: [
                "DurableFiles", "RegistryModel", "RegistryLedger", "StoreCore", "Migrations",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
            ],
            swiftSettings: strict),

        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .target(
            name: "PostgresStore",
            dependencies: [
                "CLibPQ", "DurableFiles", "RegistryModel", "RegistryLedger", "StoreCore",
                "Migrations",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
            ],
            swiftSettings: strict),

        // HTTP, both ends of it.
        .target(name: "RegistryAPI", dependencies: ["RegistryModel"], swiftSettings: strict),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "COpenAPI", exclude: ["openapi.yaml"]),
        .target(name: "LookupGrammar", swiftSettings: strict),
        .target(
            name: "RegistryHTTP",
            dependencies: [
                "COpenAPI", "CZlib", "LookupGrammar", "RegistryModel", "RegistryService",
                "RegistryAPI",
                "RoutingTable",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        .target(
            name: "RegistryClient",
            dependencies: [
                "RegistryModel", "RegistryAPI",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: strict),

        // The edge copy: what an agent does beside answering lookups.
        .target(
            name: "RegistryAgent",
            dependencies: [
                "DurableFiles", "RegistryModel", "RoutingTable", "RegistryAPI", "RegistryClient",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),

        // The binary: wiring, and one file per command.
        .target(
            name: "PrometheusMetrics",
            dependencies: [
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "TenantRegistry",
            dependencies: [
                "DurableFiles", "RegistryHTTP", "RegistryAgent", "RegistryClient",
                "RegistryAPI", "SQLiteStore", "PostgresStore", "PrometheusMetrics",
                "RegistryModel", "RegistryLedger", "RegistryService", "RoutingTable",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),

        .executableTarget(
            name: "BareRoute",
            dependencies: [.product(name: "Hummingbird", package: "hummingbird")],
            path: "Benchmarks/BareRoute",
            swiftSettings: strict),
        .executableTarget(
            name: "TableBench",
            dependencies: [
                "RegistryModel", "RoutingTable",
                .product(name: "HashTreeCollections", package: "swift-collections"),
            ],
            path: "Benchmarks/TableBench",
            swiftSettings: strict),

        .executableTarget(
            name: "ChainCost",
            dependencies: [
                "SQLiteStore", "RegistryLedger", "RegistryModel",
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Benchmarks/ChainCost",
            swiftSettings: strict),
        .executableTarget(
            name: "StoreFill",
            dependencies: [
                "SQLiteStore", "RegistryModel", .product(name: "Logging", package: "swift-log"),
            ],
            path: "Benchmarks/StoreFill",
            swiftSettings: strict),

        .testTarget(
            name: "RegistryModelTests", dependencies: ["RegistryModel"], swiftSettings: strict),
        .testTarget(
            name: "DurableFilesTests", dependencies: ["DurableFiles"],
            swiftSettings: strict),
        .testTarget(
            name: "LookupGrammarTests", dependencies: ["LookupGrammar"], swiftSettings: strict),
        .testTarget(
            name: "RegistryAPITests", dependencies: ["RegistryAPI", "RegistryModel"],
            swiftSettings: strict),
        .testTarget(
            name: "PrometheusMetricsTests",
            dependencies: [
                "PrometheusMetrics", .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "RegistryLedgerTests",
            dependencies: ["DurableFiles", "RegistryLedger", "RegistryModel"],
            swiftSettings: strict),
        .testTarget(
            name: "StoreCoreTests", dependencies: ["StoreCore", "RegistryLedger", "RegistryModel"],
            swiftSettings: strict),
        .testTarget(
            name: "RoutingTableTests", dependencies: ["RoutingTable", "RegistryModel"],
            swiftSettings: strict),
        .testTarget(
            name: "SQLiteStoreTests",
            dependencies: [
                "DurableFiles", "SQLiteStore", "StoreCore", "RegistryModel", "RegistryLedger",
                "Migrations",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .systemLibrary(name: "CSpawn", path: "Tests/CSpawn"),
        .target(
            name: "TestProcesses", dependencies: ["CSpawn"], path: "Tests/TestProcesses",
            swiftSettings: strict),
        .target(
            name: "PostgresServer",
            dependencies: ["CLibPQ", "TestProcesses"], path: "Tests/PostgresServer",
            swiftSettings: strict),
        .testTarget(
            name: "PostgresStoreTests",
            dependencies: [
                "DurableFiles", "PostgresStore", "PostgresServer", "RegistryLedger", "StoreCore",
                "RegistryModel", "Migrations",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "StoreContractTests",
            dependencies: [
                "SQLiteStore", "PostgresStore", "PostgresServer", "RegistryModel",
                "RegistryLedger", "RoutingTable", "StoreCore",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "RegistryAgentTests",
            dependencies: [
                "DurableFiles", "RegistryAgent", "RegistryClient", "RoutingTable", "RegistryAPI",
                "RegistryModel",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "RegistryHTTPTests",
            dependencies: [
                "RegistryHTTP", "RegistryService", "SQLiteStore", "PostgresStore",
                "PostgresServer", "RoutingTable", "RegistryAPI",
                "RegistryModel", "RegistryLedger", "StoreCore",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "PostgresServer", "TestProcesses", "RegistryAgent", "RegistryClient", "RegistryAPI",
                "RegistryModel", "TenantRegistry",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
