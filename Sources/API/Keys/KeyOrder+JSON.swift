import FoundationEssentials

extension KeyOrder {
    /// Bytes of a request to make a key.
    static let bodyBytes = 32_768
    static let expiresInSecondsAllowed: ClosedRange<UInt64> = 60...31_536_000

    private struct Body: Decodable {
        var name: String
        var expiresInSeconds: Double?
        var models: [String]?
        var project: String?
        var tokensPerDay: Int?
        var networks: [String]?
    }

    private struct AnyName: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private struct Names: Decodable {
        var names: [String]
        init(from decoder: any Decoder) throws {
            names = try decoder.container(keyedBy: AnyName.self).allKeys.map(\.stringValue)
        }
    }

    private static let members = ["name", "expiresInSeconds", "models", "project", "tokensPerDay", "networks"]

    /// Reads the body of `POST /v1/keys`. What is not known is refused: a limit that is misspelt must not be lost.
    init(json: [UInt8]) throws(APIError) {
        let data = Data(json)
        guard let names = try? JSONDecoder().decode(Names.self, from: data).names else {
            throw APIError(400, code: "invalid_json", "the body is not a JSON object with a \"name\"")
        }
        if let unknown = names.first(where: { !Self.members.contains($0) }) {
            let hint = nearest(unknown, among: Self.members).map { "; did you mean \($0)?" } ?? ""
            throw APIError(400, code: "unknown_parameter", parameter: String(unknown.prefix(64)), "no such field\(hint)")
        }
        let body: Body
        do {
            body = try JSONDecoder().decode(Body.self, from: data)
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.dataCorrupted(let context)
        {
            let name = context.codingPath.first?.stringValue ?? "name"
            throw APIError(400, code: "invalid_parameter", parameter: name, "\(name) is of the wrong type")
        } catch {
            throw APIError(400, code: "missing_parameter", parameter: "name", "a key needs a name")
        }
        self.init(
            name: body.name, expiresInSeconds: try Self.seconds(body.expiresInSeconds),
            limits: KeyLimits(
                models: body.models, project: body.project, tokensPerDay: body.tokensPerDay, networks: body.networks))
        try check()
    }

    private static func seconds(_ given: Double?) throws(APIError) -> UInt64? {
        guard let given else { return nil }
        let allowed = expiresInSecondsAllowed
        guard given.isFinite, given >= Double(allowed.lowerBound), given <= Double(allowed.upperBound) else {
            throw APIError(
                400, code: "invalid_parameter", parameter: "expiresInSeconds",
                "expiresInSeconds takes \(allowed.lowerBound) to \(allowed.upperBound)")
        }
        return UInt64(given)
    }

    /// Holds every part to its limits.
    func check() throws(APIError) {
        func fail(_ name: String, _ message: String) -> APIError {
            APIError(400, code: "invalid_parameter", parameter: name, message)
        }
        func isText(_ text: String) -> Bool {
            (1...KeyLimits.textBytesAllowed).contains(text.utf8.count)
                && text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        }
        guard isText(name), name.utf8.count <= 64 else {
            throw fail("name", "a name has 1 to 64 bytes, no control characters")
        }
        if let project = limits.project, !isText(project) { throw fail("project", "that is no project's name") }
        if let models = limits.models {
            guard (1...KeyLimits.modelsAllowed).contains(models.count), models.allSatisfy(isText) else {
                throw fail("models", "models takes 1 to \(KeyLimits.modelsAllowed) ids of models")
            }
        }
        if let tokens = limits.tokensPerDay, !KeyLimits.tokensPerDayAllowed.contains(tokens) {
            throw fail("tokensPerDay", "tokensPerDay takes 1 to \(KeyLimits.tokensPerDayAllowed.upperBound)")
        }
        if let networks = limits.networks {
            guard (1...KeyLimits.networksAllowed).contains(networks.count) else {
                throw fail("networks", "networks takes 1 to \(KeyLimits.networksAllowed) blocks")
            }
            if let wrong = networks.first(where: { NetworkBlock($0) == nil }) {
                throw fail("networks", "\(wrong.prefix(64)) is no block of addresses such as 10.0.0.0/8")
            }
        }
    }
}
