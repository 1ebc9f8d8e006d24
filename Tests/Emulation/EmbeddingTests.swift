import FoundationEssentials
import Testing
import Transport

@testable import Emulation

@Suite("Vectors from a simulated server", .timeLimit(.minutes(1)))
struct EmbeddingTests {
    // The protocol's own names.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    struct List: Decodable {
        struct Item: Decodable {
            var index: Int
            var embedding: [Float]
        }
        struct Packed: Decodable { var data: [PackedItem] }
        struct PackedItem: Decodable { var embedding: String }
        var data: [Item]
        var system_fingerprint: String
    }

    @Test(
        "an input gives its vector, of length 1, alone or in a list",
        arguments: [
            (#""alpha""#, 1), (#"["alpha"]"#, 1), (#"[ "alpha" , "be,]\"ta" ]"#, 2), ("[1,2,3]", 1), ("[[1,2],[3]]", 2),
        ])
    func vectors(_ input: String, _ count: Int) async throws {
        let harness = try Harness(Harness.settings())
        let answer = try await harness.post("/v1/embeddings", #"{"model":"test/model","input":\#(input)}"#)
        let list = try JSONDecoder().decode(List.self, from: Data(answer.body))
        #expect(list.data.map(\.index) == Array(0..<count))
        #expect(list.system_fingerprint == "simulated by meshnode")
        for item in list.data {
            #expect(item.embedding.count == 32)
            #expect(abs(item.embedding.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
        }
        if input.contains("alpha") {
            let hash = Array("alpha".utf8).withUnsafeBytes { Hash.of($0) }
            #expect(list.data[0].embedding == Embedding.vector(inputHash: hash, dimensions: 32))
        }
        await harness.stop()
    }

    @Test("dimensions from 8 to 64", arguments: [("7", 400), ("8", 200), ("64", 200), ("65", 400), ("1.5", 400)])
    func dimensions(_ dimensions: String, _ status: Int) async throws {
        let harness = try Harness(Harness.settings())
        let body = #"{"model":"test/model","input":"x","dimensions":\#(dimensions)}"#
        #expect(try await harness.post("/v1/embeddings", body).status == status)
        await harness.stop()
    }

    @Test("an empty list and one too long are refused", arguments: [0, 2049])
    func counts(_ count: Int) async throws {
        let harness = try Harness(Harness.settings())
        let input = Array(repeating: "\"x\"", count: count).joined(separator: ",")
        let body = #"{"model":"test/model","input":[\#(input)]}"#
        #expect(try await harness.post("/v1/embeddings", body).status == 400)
        await harness.stop()
    }

    @Test("base64 carries the same numbers", arguments: [8, 9, 10])
    func packed(_ dimensions: Int) async throws {
        let harness = try Harness(Harness.settings())
        let body = #"{"model":"test/model","input":"x","dimensions":\#(dimensions),"encoding_format":"base64"}"#
        let answer = try await harness.post("/v1/embeddings", body)
        let text = try JSONDecoder().decode(List.Packed.self, from: Data(answer.body)).data[0].embedding
        let bytes = try #require(Data(base64Encoded: text))
        let numbers = stride(from: 0, to: bytes.count, by: 4).map { start in
            Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << ($1 * 8) })
        }
        let hash = Array("x".utf8).withUnsafeBytes { Hash.of($0) }
        #expect(numbers == Embedding.vector(inputHash: hash, dimensions: dimensions))
        await harness.stop()
    }
}
