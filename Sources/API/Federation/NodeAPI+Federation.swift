import FoundationEssentials
import Transport

/// `/mesh/federation`: who is in it, and what its operator does.
extension NodeAPI {
    /// Bytes of a body: a statement has 256 KiB at most, and a federation many of them.
    private static let statementBytes = 8 << 20
    private static let orderBytes = 65_536

    private struct RevocationOrder: Decodable {
        var site: String
        var node: String?
        var reason: String
    }

    private func federation() throws(APIError) -> any FederationControl {
        guard let control = facts.federationControl else {
            throw APIError(404, code: "no_federation", "this node is in no federation")
        }
        return control
    }

    /// `GET /mesh/federation`.
    func showFederation(_ call: Call) async throws(APIError) {
        let federation = try federation()
        await call.json(await federation.describeFederation())
    }

    /// `POST /mesh/federation/statements`: tokens, one a line.
    func takeStatements(_ call: Call) async throws(APIError) {
        let body = try await read(call, limit: Self.statementBytes)
        let tokens = body.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }).map(Array.init)
        guard !tokens.isEmpty else {
            throw APIError(400, code: "no_statements", "send the signed statements, one a line")
        }
        let federation = try federation()
        do throws(FederationRefusal) {
            let taken = try await federation.takeStatements(tokens)
            control.log(.warning, "\(taken) statements of the federation's operator brought by \(name(call))")
            await call.json(#"{"taken":\#(taken),"known":\#(tokens.count - taken)}"#)
        } catch { throw APIError(error) }
    }

    /// `POST /mesh/federation/revoke`: `{"site","node","reason"}`.
    func revokeMember(_ call: Call) async throws(APIError) {
        let body = try await read(call, limit: Self.orderBytes)
        guard let order = try? JSONDecoder().decode(RevocationOrder.self, from: Data(body)) else {
            throw APIError(
                400, code: "invalid_json", #"send {"site":"NAME","node":"NAME" or null,"reason":"TEXT"}"#)
        }
        let federation = try federation()
        do throws(FederationRefusal) {
            try await federation.revoke(site: order.site, node: order.node, reason: order.reason)
        } catch { throw APIError(error) }
        control.log(
            .warning, "revocation of \(order.site)\(order.node.map { "/\($0)" } ?? "") by \(name(call)): \(order.reason)")
        await call.json(
            JSONWriter.object {
                $0.field("revoked", true)
                $0.field("site", order.site)
                $0.field("node", order.node)
            })
    }

    /// `POST /mesh/federation/renew`.
    func renewCertificate(_ call: Call) async throws(APIError) {
        let federation = try federation()
        do throws(FederationRefusal) {
            let renewed = try await federation.renewCertificate()
            control.log(.info, "renewal of this node's certificate by \(name(call))")
            await call.json(
                JSONWriter.object {
                    $0.field("renewed", true)
                    $0.field("issuedBy", renewed.issuedBy)
                    $0.field("certificateExpires", Timestamp.text(seconds: renewed.expires))
                })
        } catch { throw APIError(error) }
    }

    private func name(_ call: Call) -> String { call.caller?.name ?? "unknown" }

    private func read(_ call: Call, limit: Int) async throws(APIError) -> [UInt8] {
        do throws(HTTPSyntaxError) {
            let range = try await call.exchange.readBody(limit: limit)
            return Array(call.exchange.headBytes[range])
        } catch { throw APIError(error) }
    }
}

extension APIError {
    init(_ refusal: FederationRefusal) {
        self.init(
            refusal.status, type: refusal.status < 500 ? "invalid_request_error" : "server_error", code: refusal.code,
            refusal.message)
    }
}
