import FoundationEssentials

/// What the commands read of a node's answers; fields that they do not know are passed over.
struct TopologyAnswer: Decodable {
    struct Own: Decodable {
        var site: String
        var node: String
    }
    struct Node: Decodable {
        var node: String
        var state: String
        var draining: Bool
        var api: String?
        var mesh: String?
        var version: String?
        var heardSecondsAgo: Double?
        var certificateExpires: String?
    }
    struct Model: Decodable {
        var id: String
        var state: String
        var backend: String
        var slots: Int?
        var running: Int?
        var waiting: Int?
    }
    struct Site: Decodable {
        var site: String
        var nodes: [Node]
        var models: [Model]
    }
    struct Link: Decodable {
        var from: String
        var to: String
        var state: String
        var rttMilliseconds: Double?
        var exchangedSecondsAgo: Double?
    }
    enum CodingKeys: String, CodingKey {
        case federation, sites, links
        case own = "self"
    }
    var federation: String
    var own: Own
    var sites: [Site]
    var links: [Link]
}

struct ModelsAnswer: Decodable {
    struct Site: Decodable {
        var site: String
        var state: String
    }
    struct Model: Decodable {
        var id: String
        var state: String
        var sites: [Site]
        var capabilities: [String]
        // The route's own name.
        // swift-format-ignore: AlwaysUseLowerCamelCase
        var context_tokens: Int?
    }
    var data: [Model]
}

struct RouteAnswer: Decodable {
    struct Candidate: Decodable {
        var site: String
        var score: Double?
        var state: String
        var ageSeconds: Double?
        var excluded: String?
        var node: String?
        var local: Bool?
        var slots: Int?
        var running: Int?
        var waiting: Int?
        var sentSince: Int?
        var roundTripSeconds: Double?
        var failedSecondsAgo: Double?
    }
    var model: String
    var chosen: String?
    var node: String?
    var reason: String?
    var queues: Bool?
    var candidates: [Candidate]
}

/// An error in OpenAI's shape.
struct ErrorBody: Decodable {
    struct Inner: Decodable { var message: String }
    var error: Inner

    static func message(_ body: [UInt8]) -> String? {
        (try? JSONDecoder().decode(ErrorBody.self, from: Data(body)))?.error.message
    }
}

/// One line of JSON, for programs.
func encode(_ value: some Encodable) throws(CommandFailure) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else { throw CommandFailure(exitCode: 1, message: "this is not JSON") }
    return String(decoding: data, as: UTF8.self) + "\n"
}

func decode<Value: Decodable>(_ type: Value.Type, _ body: [UInt8]) throws(CommandFailure) -> Value {
    do {
        return try JSONDecoder().decode(type, from: Data(body))
    } catch {
        throw CommandFailure(exitCode: 1, message: "the node's answer is not understood: is it a MeshNode of this version?")
    }
}
