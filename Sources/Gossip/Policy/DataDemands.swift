/// What one request's data asks of the place where it runs.
public struct DataDemands: Sendable, Hashable {
    /// Its labels; a model must accept each.
    public private(set) var classes: [String] = []
    /// Ways that data of all these classes may take; nil: any.
    public private(set) var paths: Set<DataPath>?
    /// Sites where this user's data may go; nil: any.
    public private(set) var sites: Set<String>?

    public static let none = DataDemands()

    public init() {}

    public var isEmpty: Bool { classes.isEmpty && sites == nil }

    mutating func add(_ dataClass: DataClass) {
        classes.append(dataClass.name)
        paths = paths?.intersection(dataClass.paths) ?? dataClass.paths
    }

    mutating func stay(at allowed: [String]) {
        sites = sites?.intersection(allowed) ?? Set(allowed)
    }

    /// Why a variant may not have the data; nil: it may.
    ///
    /// - Parameters:
    ///   - site: the variant's.
    ///   - isAway: whether the data leaves its site for it.
    public func refusal(by variant: Variant, at site: String, isAway: Bool) -> DataRefusal? {
        if let sites, !sites.contains(site) { return .residency(sites.sorted()) }
        guard let paths else { return nil }
        if let missing = classes.first(where: { !variant.dataClasses.contains($0) }) { return .classNotAccepted(missing) }
        guard let own = variant.path else { return .pathUnknown(classes) }
        if !paths.contains(own) { return .path(own, classes) }
        return isAway && !paths.contains(.peer) ? .path(.peer, classes) : nil
    }
}

/// Why data may not go to a model.
public enum DataRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// The entry site keeps the user's data at these.
    case residency([String])
    /// The model does not take such data.
    case classNotAccepted(String)
    /// Data of these classes may not take this way.
    case path(DataPath, [String])
    /// Nobody says which way data takes to the model.
    case pathUnknown([String])

    public var description: String {
        switch self {
        case .residency(let sites):
            sites.isEmpty
                ? "this site lets this user's data go nowhere"
                : "this site lets this user's data go to \(sites.joined(separator: ", ")) only"
        case .classNotAccepted(let name): "the model does not accept data of the class \(name) there"
        case .path(let path, let classes):
            "a request there \(path.words), which the data class \(classes.joined(separator: ", ")) does not allow"
        case .pathUnknown(let classes):
            "its site does not say which way the data takes, as the data class \(classes.joined(separator: ", ")) demands"
        }
    }
}
