/// A way that a request's data may take on the way to a model.
public enum DataPath: String, Codable, Sendable, CaseIterable, Comparable {
    /// To a server of the site, reached by the site's own network.
    case onSite
    /// Through Globus Compute's service.
    case globusCloud
    /// To another site.
    case peer

    /// In words for users.
    public var words: String {
        switch self {
        case .onSite: "stays on its site's network"
        case .globusCloud: "goes through the Globus Compute service"
        case .peer: "goes to another site"
        }
    }

    public static func < (a: DataPath, b: DataPath) -> Bool { a.rawValue < b.rawValue }

    /// What is taken for granted of a kind of backend, where its site declares nothing: a FIRST gateway runs its requests by Globus
    /// Compute. nil for kinds that are not known.
    public init?(backend kind: String) {
        switch kind {
        case "openai", "simulated": self = .onSite
        case "globusCompute", "first": self = .globusCloud
        default: return nil
        }
    }
}

extension Set<DataPath> {
    /// As rules and answers write them.
    public var names: [String] { sorted().map(\.rawValue) }
}

/// A label of data, such as `phi` or `export-controlled`, and where such data may go.
public struct DataClass: Sendable, Hashable {
    public var name: String
    /// All the ways that data of this class may take; every part of a request's way must be among them.
    public var paths: Set<DataPath>
    /// For people who choose one.
    public var description: String?

    /// Classes that a site may know, that a request may bear, and bytes of a name.
    public static let allowed = 64
    public static let perRequest = 8
    public static let nameBytesAllowed = 63

    public init(name: String, paths: Set<DataPath>, description: String? = nil) {
        self.name = name
        self.paths = paths
        self.description = description
    }
}
