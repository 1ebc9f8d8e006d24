import FoundationEssentials
import Glibc
import Trust

/// The functions that this node has registered with Globus Compute, `globus-functions.json` in its state directory.
///
/// A registration never changes and always gets a new id, and sites list exact ids in `allowed_functions`: so an id is kept
/// and used for as long as the source is the same.
struct RegisteredFunctions: Codable, Equatable, Sendable {
    struct Entry: Codable, Equatable, Sendable {
        var id: String
        var name: String
        /// `st` or `04`: how the source was laid out for the workers.
        var strategy: String
        /// Base URL of the service that knows the id, and the client that registered it.
        var service: String
        var client: String
        /// `private`, `public`, or the id of a Globus group.
        var visibility: String
        /// RFC 3339.
        var registered: String
    }

    static let fileName = "globus-functions.json"
    /// What may be kept; older sources' entries are harmless and few.
    static let entriesAllowed = 1000

    /// By SHA-256 of name and source, in hexadecimal digits.
    var functions: [String: Entry] = [:]

    /// Where a node keeps them.
    static func path(stateDirectory: String) -> String { "\(stateDirectory)/\(fileName)" }

    static func key(name: String, source: String) -> String {
        Digest.hex(Digest.sha256(Array("\(name)\n\(source)".utf8)))
    }

    /// The entry for a source, if it was registered in this way with this service by this client.
    ///
    /// - Parameter visibility: nil for whichever it has.
    func entry(
        name: String, source: String, strategy: String, service: String, client: String, visibility: String? = nil
    ) -> Entry? {
        guard let found = functions[Self.key(name: name, source: source)], found.strategy == strategy,
            found.service == service, found.client == client
        else { return nil }
        return visibility == nil || visibility == found.visibility ? found : nil
    }

    /// What a node has registered; nothing where there is no file.
    static func read(stateDirectory: String) throws(TrustError) -> RegisteredFunctions {
        let path = path(stateDirectory: stateDirectory)
        if access(path, F_OK) != 0, errno == ENOENT { return RegisteredFunctions() }
        let bytes = try SecretFile.read(path)
        guard let found = try? JSONDecoder().decode(RegisteredFunctions.self, from: Data(bytes)) else {
            throw TrustError(.file, "\(path) is damaged; delete it and run: meshnode globus register")
        }
        return found
    }

    func write(stateDirectory: String) throws(TrustError) {
        precondition(functions.count <= Self.entriesAllowed, "more functions than anybody registers")
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else { throw TrustError(.file, "the functions' ids are no JSON") }
        try SecretFile.makeDirectory(stateDirectory)
        try SecretFile.write(Self.path(stateDirectory: stateDirectory), Array(data) + [UInt8(ascii: "\n")])
    }
}
