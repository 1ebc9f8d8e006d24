// As `GET /mesh/receipts` gives it: a key whose value is not known stands there with null.

extension Receipt: Codable {
    private enum CodingKeys: String, CodingKey {
        case id, at, model, user, entry, site, reason, tries, bounces, outcome, candidates, decision
        case requestID = "requestId"
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        let at = try fields.decode(String.self, forKey: .at)
        guard let milliseconds = UTCText.milliseconds(at) else {
            throw DecodingError.dataCorruptedError(forKey: .at, in: fields, debugDescription: "no point in time: \(at)")
        }
        id = try fields.decode(UInt64.self, forKey: .id)
        requestID = try fields.decode(String.self, forKey: .requestID)
        self.at = milliseconds
        model = try fields.decode(String.self, forKey: .model)
        user = try fields.decode(String.self, forKey: .user)
        entry = try fields.decode(String.self, forKey: .entry)
        site = try fields.decodeIfPresent(String.self, forKey: .site)
        reason = try fields.decodeIfPresent(RouteReason.self, forKey: .reason)
        tries = try fields.decode(Int.self, forKey: .tries)
        bounces = try fields.decode(Int.self, forKey: .bounces)
        outcome = try fields.decode(String.self, forKey: .outcome)
        candidates = try fields.decode([Seen].self, forKey: .candidates)
        decision = try fields.decodeIfPresent(Decision.self, forKey: .decision)
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(id, forKey: .id)
        try fields.encode(requestID, forKey: .requestID)
        try fields.encode(UTCText.text(milliseconds: at), forKey: .at)
        try fields.encode(model, forKey: .model)
        try fields.encode(user, forKey: .user)
        try fields.encode(entry, forKey: .entry)
        try fields.encode(site, forKey: .site)
        try fields.encode(reason, forKey: .reason)
        try fields.encode(tries, forKey: .tries)
        try fields.encode(bounces, forKey: .bounces)
        try fields.encode(outcome, forKey: .outcome)
        try fields.encode(candidates, forKey: .candidates)
        try fields.encodeIfPresent(decision, forKey: .decision)
    }
}
