// swift-tools-version: 6.2
import PackageDescription

/// One language for the whole house: Swift 6 mode, and a warning stops the build.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
]

/// How the binary that is shipped is linked; `scripts/release` puts the static libstdc++ there.
///
/// The linker is LLVM's, from Swift's toolchain. The one that Swift takes by itself keeps names of
/// functions that nobody calls any more, and with them asks for a newer C library than is needed.
let released: [LinkerSetting] = [
    .unsafeFlags(
        ["-use-ld=lld", "-L\(Context.packageDirectory)/.build/linked-in"],
        .when(platforms: [.linux], configuration: .release))
]

/// A target under `Sources/`. Its README says its purpose, invariants and limits.
func library(
    _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil
) -> Target {
    .target(
        name: name, dependencies: dependencies, exclude: ["README.md"], resources: resources,
        swiftSettings: strict)
}

func benchmark(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, path: "Benchmarks/\(name)", swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// What several tests need and isn't one.
func testSupport(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: strict)
}

func product(_ name: String, of package: String) -> Target.Dependency {
    .product(name: name, package: package)
}

let asyncHTTPClient = product("AsyncHTTPClient", of: "async-http-client")
let coreMetrics = product("CoreMetrics", of: "swift-metrics")
let crypto = product("Crypto", of: "swift-crypto")
let grdb = product("GRDB", of: "GRDB.swift")
let httpTypes = product("HTTPTypes", of: "swift-http-types")
let hummingbird = product("Hummingbird", of: "hummingbird")
let logging = product("Logging", of: "swift-log")
let metrics = product("Metrics", of: "swift-metrics")
let nioCore = product("NIOCore", of: "swift-nio")
let nioHTTP1 = product("NIOHTTP1", of: "swift-nio")
let nioPosix = product("NIOPosix", of: "swift-nio")
let nioSSL = product("NIOSSL", of: "swift-nio-ssl")
let serviceLifecycle = product("ServiceLifecycle", of: "swift-service-lifecycle")

let schemaFiles = [
    "0001_registry", "0002_migrations", "0003_history_filters", "0004_agents", "0005_reads",
    "0006_clocks", "0007_forget_agents", "0008_names_and_modes", "0009_agents_ahead",
    "0010_tenants", "0011_holds", "0012_fence", "0013_dns", "0014_webhooks",
].flatMap { ["\($0).sqlite.sql", "\($0).postgres.sql"] }

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
        // C libraries.
        .systemLibrary(name: "CAres", pkgConfig: "libcares", providers: [.apt(["libc-ares-dev"])]),
        .systemLibrary(
            name: "CLibIDN2", pkgConfig: "libidn2", providers: [.apt(["libidn2-dev"])]),
        .systemLibrary(name: "CLDNS", pkgConfig: "ldns", providers: [.apt(["libldns-dev"])]),
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "COpenAPI", exclude: ["openapi.yaml"]),
        .target(name: "CConsole", exclude: ["files"]),

        // What everything stands on.
        library("RegistryModel", ["CLibIDN2"]),
        library("AsyncWaiting"),
        library("DurableFiles", [crypto]),
        library("RegistryLedger", ["DurableFiles", "RegistryModel", crypto]),
        library("RoutingTable", ["AsyncWaiting", "RegistryModel"]),
        .systemLibrary(name: "CTenantRoutes"),
        library("SharedRoutes", ["CTenantRoutes", "RegistryModel", "RoutingTable", logging]),
        .target(
            name: "TenantRoutesLibrary", dependencies: ["CTenantRoutes", "SharedRoutes"],
            exclude: ["Lua", "README.md"], swiftSettings: strict),
        library(
            "RegistryService",
            [
                "AsyncWaiting", "RegistryModel", "RoutingTable", crypto, logging, metrics,
                serviceLifecycle,
            ],
            resources: [.embedInCode("reserved-labels.txt")]),

        // The stores.
        .target(
            name: "SchemaMigrations", path: "migrations",
            resources: schemaFiles.map { .embedInCode($0) }, swiftSettings: strict),
        library(
            "StoreCore",
            ["AsyncWaiting", "SchemaMigrations", "RegistryLedger", "RegistryModel", crypto]),
        library(
            "SQLiteStore",
            [
                "AsyncWaiting", "DurableFiles", "SchemaMigrations", "RegistryLedger",
                "RegistryModel",
                "StoreCore", crypto, grdb, product("GRDBSQLite", of: "GRDB.swift"), logging,
                metrics,
            ]),
        library(
            "PostgresStore",
            [
                "AsyncWaiting", "CLibPQ", "COpenSSL", "DurableFiles", "SchemaMigrations",
                "RegistryLedger", "RegistryModel", "StoreCore", crypto, logging, metrics,
            ]),

        // What the DNS has to say of the table.
        library(
            "RegistryDNS",
            ["CLDNS", "RegistryAPI", "RegistryModel", product("Yams", of: "Yams")]),
        library("DNSQueries", ["CAres", "RegistryModel"]),

        // HTTP, both ends of it.
        library("RegistryAPI", ["RegistryModel"]),
        library("LookupGrammar"),
        library(
            "RegistryHTTP",
            [
                "AsyncWaiting", "CConsole", "COpenAPI", "CZlib", "LookupGrammar", "RegistryAPI",
                "RegistryDNS",
                "RegistryModel", "RegistryService", "RoutingTable", crypto, httpTypes, hummingbird,
                product("HummingbirdCore", of: "hummingbird"), logging, metrics, nioCore,
                nioHTTP1, product("NIOExtras", of: "swift-nio-extras"),
                product("NIOHTTPTypes", of: "swift-nio-extras"), nioPosix, serviceLifecycle,
            ]),
        library("RegistryClient", ["RegistryAPI", "RegistryModel", asyncHTTPClient, nioCore]),

        // What happens, told to receivers outside.
        library(
            "Webhooks",
            [
                "RegistryAPI", "RegistryModel", "RegistryService", asyncHTTPClient, crypto, logging,
                metrics, nioCore, nioHTTP1, nioPosix, nioSSL, serviceLifecycle,
            ]),

        // The edge copy: what an agent does beside answering lookups.
        library(
            "RegistryAgent",
            [
                "AsyncWaiting", "DurableFiles", "RegistryAPI", "RegistryClient", "RegistryModel",
                "RoutingTable", "SharedRoutes", crypto, logging, metrics, serviceLifecycle,
            ]),

        // The binary: wiring, and one file per command.
        library("PrometheusMetrics", [coreMetrics, logging]),
        .executableTarget(
            name: "TenantRegistry",
            dependencies: [
                "DNSQueries", "DurableFiles", "PostgresStore", "PrometheusMetrics", "RegistryAPI",
                "RegistryAgent", "RegistryClient", "RegistryDNS", "RegistryHTTP", "RegistryLedger",
                "RegistryModel", "RegistryService", "RoutingTable", "SharedRoutes", "SQLiteStore",
                "Webhooks", product("ArgumentParser", of: "swift-argument-parser"), asyncHTTPClient,
                crypto,
                product("Configuration", of: "swift-configuration"), hummingbird, logging,
                metrics, nioCore, nioPosix, nioSSL,
                serviceLifecycle, product("Subprocess", of: "swift-subprocess"),
                product("UnixSignals", of: "swift-service-lifecycle"),
            ],
            exclude: ["README.md"], swiftSettings: strict, linkerSettings: released),

        benchmark("BareRoute", [hummingbird]),
        benchmark(
            "TableBench",
            [
                "RegistryModel", "RoutingTable",
                product("HashTreeCollections", of: "swift-collections"),
            ]),
        benchmark("ChainCost", ["RegistryLedger", "RegistryModel", "SQLiteStore", logging]),
        benchmark("RoutesBench", ["RegistryModel", "SharedRoutes"]),
        benchmark("StoreFill", ["RegistryModel", "SQLiteStore", logging]),

        testSupport("TestRandom", []),
        tests("RegistryModelTests", ["RegistryModel", "TestRandom"]),
        tests("AsyncWaitingTests", ["AsyncWaiting"]),
        tests("DurableFilesTests", ["DurableFiles"]),
        tests("LookupGrammarTests", ["LookupGrammar"]),
        tests("RegistryDNSTests", ["RegistryDNS", "RegistryModel", "TestRandom"]),
        tests("DNSQueriesTests", ["DNSQueries"]),
        tests("RegistryAPITests", ["RegistryAPI", "RegistryModel", "TestRandom"]),
        tests("PrometheusMetricsTests", ["PrometheusMetrics", coreMetrics, logging]),
        tests("RegistryLedgerTests", ["DurableFiles", "RegistryLedger", "RegistryModel"]),
        tests("StoreCoreTests", ["RegistryLedger", "RegistryModel", "StoreCore"]),
        tests(
            "SharedRoutesTests",
            [
                "CTenantRoutes", "RegistryModel", "RoutingTable", "SharedRoutes", "TableSamples",
                "TenantRoutesLibrary", "TestProcesses", "TestRandom", logging,
            ]),
        testSupport("TableSamples", ["RegistryModel", "RoutingTable", "TestRandom"]),
        tests(
            "RoutingTableTests", ["RegistryModel", "RoutingTable", "TableSamples", "TestRandom"]),
        tests(
            "SQLiteStoreTests",
            [
                "DurableFiles", "SchemaMigrations", "RegistryLedger", "RegistryModel",
                "SQLiteStore", "StoreCore", "StoreSamples", grdb, logging,
            ]),
        testSupport("StoreSamples", ["RegistryModel"]),
        .systemLibrary(name: "CSpawn", path: "Tests/CSpawn"),
        testSupport("TestProcesses", ["CSpawn"]),
        testSupport("PostgresServer", ["CLibPQ", "TestProcesses"]),
        tests(
            "PostgresStoreTests",
            [
                "DurableFiles", "SchemaMigrations", "PostgresServer", "PostgresStore",
                "RegistryLedger", "RegistryModel", "StoreCore", "StoreSamples", logging, nioCore,
                nioPosix,
            ]),
        tests(
            "StoreContractTests",
            [
                "PostgresServer", "PostgresStore", "RegistryLedger", "RegistryModel",
                "RoutingTable", "SQLiteStore", "SchemaMigrations", "StoreCore", "TestRandom", grdb,
                logging,
            ]),
        tests(
            "RegistryAgentTests",
            [
                "DurableFiles", "RegistryAPI", "RegistryAgent", "RegistryClient",
                "RegistryModel", "RoutingTable", "TableSamples", asyncHTTPClient, crypto, logging,
                nioCore,
            ]),
        tests(
            "RegistryHTTPTests",
            [
                "PostgresServer", "PostgresStore", "RegistryAPI", "RegistryHTTP",
                "RegistryLedger", "RegistryModel", "RegistryService", "RoutingTable",
                "SQLiteStore", "StoreCore", "TestRandom", asyncHTTPClient, httpTypes, hummingbird,
                logging,
                nioCore, nioHTTP1, nioPosix, serviceLifecycle, product("Yams", of: "Yams"),
            ]),
        tests(
            "WebhooksTests",
            [
                "PrometheusMetrics", "RegistryAPI", "RegistryModel", "RegistryService",
                "RoutingTable", "SQLiteStore", "Webhooks", logging, nioCore, serviceLifecycle,
            ]),
        tests(
            "EndToEndTests",
            [
                "LookupGrammar", "PostgresServer", "RegistryAPI", "RegistryAgent", "RegistryDNS",
                "RegistryClient", "RegistryModel", "SharedRoutes", "TenantRegistry",
                "TestProcesses", "TestRandom", asyncHTTPClient, crypto,
                nioCore, nioHTTP1, nioPosix,
            ]),
    ],
    swiftLanguageModes: [.v6]
)
