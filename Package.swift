// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

func module(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], data: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies, path: "Tests/\(name)", exclude: data, swiftSettings: settings)
}

let package = Package(
    name: "meshnode",
    products: [.executable(name: "meshnode", targets: ["MeshNode"])],
    targets: [
        .systemLibrary(
            name: "COpenSSL", path: "Sources/System/COpenSSL", pkgConfig: "openssl",
            providers: [.apt(["libssl-dev"]), .yum(["openssl-devel"])]),
        .systemLibrary(
            name: "CCurl", path: "Sources/System/CCurl", pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"]), .yum(["libcurl-devel"])]),
        .systemLibrary(
            name: "CSQLite", path: "Sources/System/CSQLite", pkgConfig: "sqlite3",
            providers: [.apt(["libsqlite3-dev"]), .yum(["sqlite-devel"])]),
        .systemLibrary(name: "CLinux", path: "Sources/System/CLinux"),

        module("Transport", ["CLinux", "COpenSSL", "CCurl"]),
        module("Trust", ["COpenSSL"]),
        module("Gossip"),
        module("Storage", ["Trust", "CSQLite", "CLinux"]),
        module(
            "Globus", ["Transport", "Trust", "CLinux"],
            resources: [.embedInCode("Functions/inference.py"), .embedInCode("Functions/status.py")]),
        module("Routing", ["Gossip", "Globus", "Transport", "Trust", "CLinux"]),
        module("API", ["Routing", "Gossip", "Globus", "Storage", "Transport", "Trust", "CLinux"]),
        module("Emulation", ["Transport", "Trust", "CLinux"], resources: [.embedInCode("Globus/worker.py")]),
        module("Simulation", ["Gossip", "Routing"]),
        .executableTarget(
            name: "MeshNode",
            dependencies: [
                "API", "Routing", "Gossip", "Trust", "Transport", "Globus", "Storage", "Emulation", "Simulation", "CLinux",
                "CCurl",
            ],
            swiftSettings: settings),

        .target(name: "CAllocations", path: "Benchmarks/CAllocations"),
        .executableTarget(
            name: "ChoiceBenchmark", dependencies: ["Routing", "Gossip", "CAllocations"], path: "Benchmarks/ChoiceBenchmark",
            swiftSettings: settings),

        tests("Transport", ["Transport", "Trust", "CLinux"]),
        tests("Trust", ["Trust"]),
        tests("Gossip", ["Gossip"]),
        tests("Simulation", ["Simulation", "Gossip", "Routing"]),
        tests("Storage", ["Storage", "Trust"]),
        tests("Globus", ["Globus", "Transport", "Trust", "CLinux"], data: ["Wire/Golden", "Auth/Golden"]),
        tests("Routing", ["Routing", "Gossip", "Globus", "Transport", "CLinux"]),
        tests("API", ["API", "Routing", "Gossip", "Globus", "Storage", "Transport", "Trust"]),
        tests("Emulation", ["Emulation", "Transport", "CLinux"]),
        tests(
            "MeshNode", ["MeshNode", "API", "Routing", "Globus", "Gossip", "Simulation", "Storage", "Trust", "CLinux"]),
    ]
)
