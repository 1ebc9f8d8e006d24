import FoundationEssentials
import Globus

/// Vectors recorded from the real SDK and its workers.
enum Golden {
    static let folder = String(#filePath.dropLast("Golden.swift".count)) + "Golden/"

    struct Result: Decodable, Sendable, CustomStringConvertible {
        var name: String
        var resultSerializers: [String]?
        var data: String?
        var dataSha256: String
        var isError: Bool
        var pythonRepr: String
        var description: String { "\(name), \(resultSerializers?.count ?? 0) serializers asked for" }
    }

    struct Failure: Decodable, Sendable, CustomStringConvertible {
        struct Details: Decodable, Sendable { var code: String }
        var name: String
        var data: String
        var errorDetails: Details
        var description: String { name }
    }

    struct Arguments: Decodable, Sendable, CustomStringConvertible {
        var name: String
        var strategy: String
        var argsJson: String?
        var kwargsJson: String?
        var packed: String
        var mustFailWith: String?
        var description: String { "\(name), \(strategy)" }
    }

    struct Function: Decodable, Sendable, CustomStringConvertible {
        var strategy: String
        var functionCode: String?
        var registrationBody: String
        var description: String { strategy }
    }

    struct Submit: Decodable, Sendable, CustomStringConvertible {
        var name: String
        var body: String
        var description: String { name }
    }

    struct Unsupported: Decodable, Sendable, CustomStringConvertible {
        var python: String
        var data: String
        var description: String { python }
    }

    static let results: [Result] = read("results.json")
    static let failures: [Failure] = read("errors.json")
    static let arguments: [Arguments] = read("args.json")
    static let functions: [Function] = read("functions.json")
    static let submits: [Submit] = read("submit.json")
    static let unsupported: [Unsupported] = read("unsupported_pickles.json")

    /// Nothing where the file cannot be read: the test of the counts tells.
    private static func read<Vector: Decodable>(_ file: String) -> [Vector] {
        guard let data = try? Data(contentsOf: URL(filePath: folder + file)) else { return [] }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return (try? decoder.decode([Vector].self, from: data)) ?? []
    }
}
