import Globus
import Testing

@Suite struct SerializedTests {
    @Test(arguments: [
        ([], ""), ([""], "0\n"), (["a", "bc"], "1\na2\nbc"), (["\r\n"], "2\n\r\n"),
        (["e\u{301}\u{1F680}"], "3\ne\u{301}\u{1F680}"),
        (["11\n[]", "11\n{}"], "5\n11\n[]5\n11\n{}"),
    ])
    func packs(buffers: [String], text: String) throws {
        #expect(PackedBuffers.pack(buffers) == text)
        #expect(try PackedBuffers.unpack(text) == buffers)
    }

    @Test(arguments: [
        "1", "a", "\n", "-1\na", "+1\na", " 1\na", "01\na", "1 \na", "2\na", "1\nab", "9999999999\na",
        "99999999999999999999\na",
        "0x1\na", "1\r\na", "1\na1", "1\na\n",
    ])
    func refusesPacked(text: String) {
        let error = #expect(throws: WireError.self) { try PackedBuffers.unpack(text) }
        #expect(error?.code == .malformed)
    }

    @Test func limitsOfPacked() throws {
        #expect(throws: WireError.self) { try PackedBuffers.unpack([0x31, 0x0A, 0xFF]) }
        var few = WireLimits()
        few.buffers = 2
        few.bytes = 6
        #expect(try PackedBuffers.unpack("0\n0\n", limits: few).count == 2)
        #expect(throws: WireError.self) { try PackedBuffers.unpack("0\n0\n0\n", limits: few) }
        #expect(throws: WireError.self) { try PackedBuffers.unpack("5\naaaaa", limits: few) }
    }

    /// An empty list, packed so many times.
    static func packed(_ times: Int) -> String {
        (0..<times).reduce("11\n[]") { text, _ in "13\n" + PackedBuffers.pack([text]) }
    }

    @Test(arguments: [
        ("13\n6\n11\n[1]12\n00\ngAROLg==\n", WireValue.list([.integer(1)])),
        // The first cannot be read, the second can.
        ("13\n6\n11\n[1,12\n00\ngAROLg==\n", .null), ("13\n5\nst\nf:12\n00\ngAROLg==\n", .null),
        (packed(2), WireValue.list([])), (packed(4), .list([])), ("00\ngAROLg==", .null), ("00\ngAR\r\nOLg==\n", .null),
        ("11\n 1 ", .integer(1)),
    ])
    func results(text: String, value: WireValue) throws { #expect(try TaskResult.decode(text) == value) }

    @Test(arguments: [
        ("", WireError.Code.unsupported), ("11", .unsupported), ("st\nf:x", .unsupported), ("02\ngAROLg==\n", .unsupported),
        ("01\ngAROLg==\n", .unsupported), ("11\n", .malformed), ("00\n", .malformed), ("00\ngAROLg", .malformed),
        ("00\n!!!!", .malformed),
        ("13\n", .malformed), ("13\n5\nx", .malformed), ("13\n5\nst\nf:", .unsupported),
        (packed(5), .limitExceeded),
    ])
    func refusesResults(text: String, code: WireError.Code) {
        let error = #expect(throws: WireError.self) { try TaskResult.decode(text) }
        #expect(error?.code == code)
    }

    /// Sixteen MiB are read, a byte more is not.
    @Test func sizeOfAResult() throws {
        let limit = WireLimits.default.bytes
        let largest = "11\n\"" + String(repeating: "a", count: limit - 5) + "\""
        #expect(try TaskResult.decode(largest).text?.utf8.count == limit - 5)
        let error = #expect(throws: WireError.self) { try TaskResult.decode(largest + " ") }
        #expect(error?.code == .limitExceeded)
        #expect(error?.message == "a result of 16777217 bytes; at most 16777216 are read")
    }

    @Test func rawArguments() { #expect(TaskArguments.encode(rawArgumentsJSON: "[\"é\"]") == "8\n11\n[\"é\"]5\n11\n{}") }

    @Test(arguments: [
        ("f", true), ("_f9", true), ("", false), ("9f", false), ("f:g", false), ("f\ng", false), ("f-g", false),
        ("é", false),
    ])
    func names(name: String, isName: Bool) { #expect(FunctionRegistration.isName(name) == isName) }

    @Test func registrationForAGroup() throws {
        let registration = FunctionRegistration(name: "f", source: "def f(): pass\n", public: true, group: "g")
        let body = try WireJSON.parse(registration.json)
        #expect(body["public"] == .bool(true))
        #expect(body["group"] == .string("g"))
        #expect(body["description"] == nil)
    }

    @Test func submits() throws {
        var body = SubmitBody(tasks: [
            .init(function: "f", payloads: ["1"]), .init(function: "g", payloads: ["2"]),
            .init(function: "f", payloads: ["3"]),
        ])
        body.endpointConfig = "{}"
        body.userRuntime = " {\"python\": {\"version\": \"3.12\"}} "
        let expected =
            #"{"create_queue": false, "tasks": {"f": ["1", "3"], "g": ["2"]}, "user_runtime": {"python": {"version": "3.12"}}, "#
            + #""result_serializers": ["globus_compute_sdk.serialize.JSONData", "globus_compute_sdk.serialize.DillDataBase64"]}"#
        #expect(try body.json() == expected)
        for text in ["[]", "{", "", "{\"a\": 1} x"] {
            body.resourceSpecification = text
            #expect(throws: WireError.self) { try body.json() }
        }
    }
}
