extension GlobusCompute {
    /// `POST /v3/functions`.
    func register(_ request: GlobusRequest, _ token: IssuedToken) -> GlobusAnswer {
        let failed = "Request payload failed validation: "
        guard let body = try? JSONReader.read(request.body) else { return .compute(400, "REQUEST_MALFORMED", "not JSON") }
        guard let name = body["function_name"]?.text, !name.isEmpty, let code = body["function_code"]?.text else {
            return .compute(422, "SEMANTICALLY_INVALID", failed + "function_name and function_code are needed")
        }
        guard let metadata = body["meta"], metadata["python_version"]?.text != nil, metadata["sdk_version"]?.text != nil
        else { return .compute(422, "SEMANTICALLY_INVALID", failed + "meta: python_version and sdk_version are needed") }
        guard let isSerialized = body["serialized"]?.truth else {
            return .compute(422, "SEMANTICALLY_INVALID", failed + "serialized: true or false")
        }
        guard functions.count < Self.functionsKept else { return .compute(503, "SERVICE_UNAVAILABLE", "too many functions") }
        let id = names.uuid()
        functions[id] = EmulatedFunction(
            id: id, name: name, code: isSerialized ? code : Self.packed("st\n\(name):\(code)"),
            description: body["description"]?.text, metadata: metadata, owner: Self.owner(token),
            isPublic: body["public"]?.truth ?? false)
        return .ok(["function_uuid": .string(id)])
    }

    /// `GET /v2/functions/{id}`.
    func function(_ id: String, _ token: IssuedToken) -> GlobusAnswer {
        guard let function = functions[id] else { return Self.noFunction(id) }
        guard function.isPublic || function.owner == Self.owner(token) else {
            return .compute(403, "FUNCTION_ACCESS_FORBIDDEN", "Unauthorized access to function \(id)")
        }
        return .ok([
            "function_uuid": .string(id), "function_name": .string(function.name), "function_code": .string(function.code),
            "description": .optional(function.description), "metadata": function.metadata,
        ])
    }

    /// `DELETE /v2/functions/{id}`.
    func deleteFunction(_ id: String, _ token: IssuedToken) -> GlobusAnswer {
        guard let function = functions[id] else { return Self.noFunction(id) }
        guard function.owner == Self.owner(token) else {
            return .compute(403, "FUNCTION_ACCESS_FORBIDDEN", "Unauthorized access to function \(id)")
        }
        functions[id] = nil
        return .ok(["result": 302])
    }
}
