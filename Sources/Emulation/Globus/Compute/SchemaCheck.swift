/// The few words of JSON schema that endpoints' configurations need: `properties` with `type`, `enum` and `maxLength`,
/// `required`, `additionalProperties`.
enum SchemaCheck {
    /// - Returns: what is wrong, in words; nil: nothing.
    static func complaint(about value: JSONValue, schema: JSONValue) -> String? {
        let members = value.members ?? []
        let properties = schema["properties"]?.members ?? []
        for name in schema["required"]?.items?.compactMap(\.text) ?? [] where value[name] == nil {
            return "'\(name)' is a required property"
        }
        for member in members {
            guard let property = properties.first(where: { $0.name == member.name })?.value else {
                if schema["additionalProperties"]?.truth == false {
                    return "Additional properties are not allowed ('\(member.name)' was unexpected)"
                }
                continue
            }
            if let type = property["type"]?.text, !fits(member.value, type) {
                return "\(member.value.json) is not of type '\(type)'"
            }
            if let allowed = property["enum"]?.items, !allowed.contains(member.value) {
                return "\(member.value.json) is not one of \(JSONValue.array(allowed).json)"
            }
            if let limit = property["maxLength"]?.integer, let text = member.value.text, text.unicodeScalars.count > limit {
                return "\(member.value.json) is too long"
            }
        }
        return nil
    }

    private static func fits(_ value: JSONValue, _ type: String) -> Bool {
        switch type {
        case "string": value.text != nil
        case "integer": value.integer != nil
        case "number": value.double != nil
        case "boolean": value.truth != nil
        case "array": value.items != nil
        case "object": value.members != nil
        case "null": value == .null
        default: true
        }
    }
}
