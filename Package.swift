// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies, path: "Tests/\(name)", swiftSettings: settings)
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
        .systemLibrary(name: "CLinux", path: "Sources/System/CLinux"),

        module("Transport", ["CLinux", "COpenSSL"]),
        module("Trust", ["COpenSSL"]),
        module("Gossip"),
        module("Routing", ["Gossip", "Transport", "CLinux"]),
        module("API", ["Routing", "Gossip", "Transport", "Trust"]),
        module("Emulation", ["Transport"]),
        .executableTarget(
            name: "MeshNode",
            dependencies: ["API", "Routing", "Gossip", "Trust", "Transport", "Emulation", "CLinux", "CCurl"],
            swiftSettings: settings),

        tests("Transport", ["Transport", "Trust", "CLinux"]),
        tests("Trust", ["Trust"]),
        tests("Gossip", ["Gossip"]),
        tests("Routing", ["Routing", "Gossip", "Transport", "CLinux"]),
        tests("API", ["API", "Routing", "Gossip", "Transport", "Trust"]),
        tests("Emulation", ["Emulation", "Transport"]),
        tests("MeshNode", ["MeshNode"]),
    ]
)
