import CLinux
import FoundationEssentials
import Gossip
import Transport

extension MeshPort {
    /// Where a peer asks to be dialled back. Body: `{"port":8201}`, used where its record is not known here.
    public static let dialBackPath: StaticString = "/meshnode/v1/dial-back"

    private struct Asked: Decodable { var port: Int? }

    /// The answer: `result`, `dialled` (the address) and `at` (this node's clock, milliseconds since 1970).
    public struct DialBackAnswer: Codable, Sendable, Equatable {
        public var result: DialBack.Result
        public var dialled: String
        public var at: UInt64

        public init(result: DialBack.Result, dialled: String, at: UInt64) {
            self.result = result
            self.dialled = dialled
            self.at = at
        }
    }

    func answerDialBack(_ exchange: HTTPExchange, _ peer: NodeID) async {
        guard let dialBack else { return await answer(exchange, 404, "unknown_route", "this node dials nobody back") }
        let asked: Asked
        do throws(HTTPSyntaxError) {
            let range = try await exchange.readBody(limit: 256)
            guard let body = try? JSONDecoder().decode(Asked.self, from: Data(Array(exchange.headBytes[range]))) else {
                return await answer(exchange, 400, "bad_body", "this names no port")
            }
            asked = body
        } catch { return await answer(exchange, error.status, "bad_body", error.reason) }
        let known = router.view.mesh[peer].flatMap { $0.state == .left ? nil : $0.identity?.mesh }
        guard let target = DialBack.target(record: known, source: exchange.stream.remoteAddress, port: asked.port) else {
            return await answer(exchange, 400, "bad_body", "neither your record nor you tell a port to dial")
        }
        guard dialBack.admits(peer, now: mesh_monotonic_ns()) else {
            return await answer(exchange, 429, "too_many", "too many dials were asked for: try again in a minute")
        }
        let result = await dialBack.dial(target, expecting: peer, pool: exchange.worker.pool)
        let said = DialBackAnswer(
            result: result, dialled: target.description, at: mesh_realtime_ns() / 1_000_000)
        guard let body = try? JSONEncoder().encode(said) else {
            return await answer(exchange, 500, "internal", "the answer cannot be written")
        }
        await exchange.respond(status: 200, contentType: "application/json", body: Array(body))
    }
}
