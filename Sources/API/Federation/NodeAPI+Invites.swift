import Transport

extension NodeAPI {
    /// `POST /mesh/federation/invites`: invites a site. The token is in the answer, this once.
    func inviteSite(_ call: Call) async throws(APIError) {
        let body: Range<Int>
        do throws(HTTPSyntaxError) {
            body = try await call.exchange.readBody(limit: InviteOrder.bodyBytes)
        } catch { throw APIError(error) }
        let order = try InviteOrder(json: Array(call.exchange.headBytes[body]))
        guard let authority = facts.inviting else {
            throw APIError(
                409, code: "not_an_authority",
                "this node is no registration authority (trust.issuer is not in its configuration); ask one that is")
        }
        let made = try await authority.invite(order, by: call.caller?.name ?? "unknown")
        await call.json(
            JSONWriter.object {
                $0.field("token", made.token)
                $0.field("site", made.site)
                $0.field("nodes", made.nodes)
                $0.field("domains", made.domains)
                $0.field("expiresAt", Timestamp.text(seconds: UInt64(max(0, made.expiresAt))))
                $0.field("address", made.address)
            }, status: 201)
    }
}
