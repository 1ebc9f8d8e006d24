import Globus
import Testing
import Trust

@Suite struct GoldenTests {
    /// Also shows how many rows the other tests have.
    @Test(arguments: [
        ("results.json", Golden.results.count, 129), ("errors.json", Golden.failures.count, 9),
        ("args.json", Golden.arguments.count, 18), ("functions.json", Golden.functions.count, 9),
        ("submit.json", Golden.submits.count, 2), ("unsupported_pickles.json", Golden.unsupported.count, 4),
    ])
    func everyVectorIsRead(file: String, count: Int, expected: Int) {
        print("golden/\(file): \(count) vectors")
        #expect(count == expected)
    }

    /// Values of vectors too long to be recorded: their digest is.
    static let unrecorded: [String: WireValue] = [
        "dict_1001": .dictionary((0..<1001).map { WirePair(String($0), .integer(Int64($0))) }),
        "str_70000_outside_frame": .string(String(repeating: "b", count: 70000)),
        "long_binget_shared_keys_300": .list(
            Array(repeating: .dictionary((0..<300).map { WirePair(String($0), .integer(Int64($0))) }), count: 2)),
    ]

    @Test(arguments: Golden.results.filter { !$0.isError })
    func result(vector: Golden.Result) throws {
        let isJSON = vector.resultSerializers != nil && vector.name != "bytes"
        guard let data = vector.data else {
            // Only the digest is known, which what is written here must have.
            guard isJSON, let value = Self.unrecorded[vector.name] else { return }
            let text = "11\n" + WireJSON.write(value, style: .python)
            #expect(hexadecimal(Digest.sha256(Array(text.utf8))) == vector.dataSha256)
            #expect(try TaskResult.decode(text) == value)
            return
        }
        let value = try TaskResult.decode(data)
        if vector.pythonRepr.utf8.count < 200 {
            let meant = try PythonLiteral.read(vector.pythonRepr)
            #expect(try value == (isJSON ? WireJSON.parse(WireJSON.write(meant, style: .python)) : meant))
        }
        // What is written again is byte for byte what Python wrote, where Python's JSON is JSON.
        if isJSON, !["float_inf", "float_nan", "lone_surrogate"].contains(vector.name) {
            #expect("11\n" + WireJSON.write(value, style: .python) == data)
        }
    }

    /// A value is the same whichever serializer the site used.
    @Test(arguments: Golden.results.filter { !$0.isError && $0.data?.hasPrefix("00\n") == true && $0.name != "bytes" })
    func pickleAndJSONAgree(vector: Golden.Result) throws {
        let pickled = try TaskResult.decode(try #require(vector.data))
        for other in Golden.results where other.name == vector.name && other.data?.hasPrefix("11\n") == true {
            #expect(try WireJSON.parse(WireJSON.write(pickled, style: .python)) == TaskResult.decode(other.data ?? ""))
        }
        if let value = Self.unrecorded[vector.name] { #expect(pickled == value) }
    }

    @Test(arguments: Golden.unsupported)
    func unsupported(vector: Golden.Unsupported) {
        let error = #expect(throws: WireError.self) { try TaskResult.decode(vector.data) }
        #expect(error?.code == .unsupported)
    }

    @Test(arguments: Golden.arguments)
    func arguments(vector: Golden.Arguments) throws {
        guard vector.mustFailWith == nil else {
            #expect(throws: WireError.self) { try PackedBuffers.unpack(vector.packed) }
            return
        }
        let buffers = try PackedBuffers.unpack(vector.packed)
        #expect(PackedBuffers.pack(buffers) == vector.packed)
        #expect(buffers.count == 2)
        let arguments = try WireJSON.parse(try #require(vector.argsJson))
        let keywords = try WireJSON.parse(try #require(vector.kwargsJson))
        #expect(try TaskResult.decode(buffers[0]).items == arguments.items)
        #expect(try TaskResult.decode(buffers[1]) == keywords)
        if vector.strategy == "JSONData", vector.name != "raw_utf8_length_in_scalars", vector.name != "no_spaces_ascii" {
            #expect(TaskArguments.encode(arguments: try #require(arguments.items), keywords: keywords) == vector.packed)
        }
    }

    @Test(arguments: Golden.functions)
    func registration(vector: Golden.Function) throws {
        let body = try WireJSON.parse(vector.registrationBody)
        let identifier = body["meta"]?["serde_identifier"]?.text
        guard let strategy = identifier.flatMap({ FunctionRegistration.Strategy(rawValue: $0) }) else { return }
        let source = "def hello(name):\n    \"\"\"Say hello.\"\"\"\n    return \"h\u{E9}llo \" + name\n"
        var registration = FunctionRegistration(
            name: "hello", source: source, strategy: strategy, description: body["description"]?.text)
        registration.pythonVersion = try #require(body["meta"]?["python_version"]?.text)
        if strategy == .pureSource {
            #expect(registration.code == vector.functionCode)
            #expect(registration.json == vector.registrationBody)
        } else {
            // Pickles of the same pair by two writers.
            for code in [registration.code, try #require(vector.functionCode)] {
                let buffer = try #require(try PackedBuffers.unpack(code).first)
                #expect(buffer.hasPrefix("04\n"))
                #expect(try TaskResult.decode("00\n" + buffer.dropFirst(3)) == .tuple([.string("hello"), .string(source)]))
            }
        }
    }

    @Test(arguments: Golden.submits)
    func submit(vector: Golden.Submit) throws {
        let body = try WireJSON.parse(vector.body)
        func text(_ name: String) -> String? { body[name].map { WireJSON.write($0, style: .compact) } }
        var submit = SubmitBody(
            tasks: (body["tasks"]?.pairs ?? []).map {
                SubmitBody.Tasks(function: $0.key.text ?? "", payloads: ($0.value.items ?? []).compactMap(\.text))
            }, resultSerializers: (body["result_serializers"]?.items ?? []).compactMap(\.text))
        submit.createsQueue = body["create_queue"]?.truth ?? false
        submit.taskGroup = body["task_group_id"]?.text
        submit.endpointConfig = text("user_endpoint_config")
        submit.resourceSpecification = text("resource_specification")
        #expect(try submit.json() == vector.body)
    }

    private func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
