import Routing
import Storage
import Transport

extension NodeAPI {
    /// `GET /mesh/receipts?limit=N[&model=M&site=S&reason=R&outcome=O&since=T]`, newest first: the latest, and behind them those that are
    /// kept on disk.
    func listReceipts(_ call: Call) async throws(APIError) {
        let (filter, limit) = try receiptFilter(call.exchange)
        let (trails, oldest) = router.receipts.latest(limit) { filter.takes($0) }
        var texts = await written(trails, whole: false)
        if texts.count < limit, let shelf = facts.receipts {
            var older = filter
            older.below = oldest
            do throws(StorageError) {
                texts += try await shelf.list(older, limit: limit - texts.count)
            } catch { throw unreadable(error) }
        }
        await call.json(#"{"receipts":[\#(texts.joined(separator: ","))]}"#)
    }

    /// `GET /mesh/receipts/ID`: all of one, by its own id or by that of its request.
    func showReceipt(_ call: Call) async throws(APIError) {
        let name = String(call.exchange.path.dropFirst("/mesh/receipts/".count))
        guard (1...64).contains(name.utf8.count), name.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
            throw APIError(
                400, code: "invalid_parameter", parameter: "id",
                "a receipt is asked for by its id, or by its request's as X-Request-Id has it")
        }
        let id = UInt64(name)
        if let trail = id.flatMap({ router.receipts.find(id: $0) }) ?? router.receipts.find(requestID: name) {
            guard let text = await written([trail], whole: true).first else { throw APIError(unwritable: "the receipt") }
            return await call.json(text)
        }
        var kept: String?
        if let shelf = facts.receipts {
            do throws(StorageError) {
                if let id { kept = try await shelf.find(id: id) }
                if kept == nil { kept = try await shelf.find(requestID: name) }
            } catch { throw unreadable(error) }
        }
        guard let kept else {
            throw APIError(
                404, code: "receipt_not_found", parameter: "id",
                "this node has no receipt \(name): it remembers the latest \(router.receipts.limits.count), and keeps those that "
                    + "something was amiss with")
        }
        await call.json(kept)
    }

    /// As JSON, made off the loops: a thousand receipts of fifty candidates take half a second.
    private func written(_ trails: [ReceiptTrail], whole: Bool) async -> [String] {
        let choice = router.choice
        return await Task.detached { trails.compactMap { $0.receipt(choice, whole: whole).json } }.value
    }

    /// Receipts in one answer.
    private static let receiptLimit = 1000

    private func receiptFilter(_ exchange: HTTPExchange) throws(APIError) -> (ReceiptShelf.Filter, limit: Int) {
        var limit = 50
        if let text = exchange.query("limit") {
            guard let number = Int(text), (1...Self.receiptLimit).contains(number) else {
                throw invalid("limit", "a number from 1 to \(Self.receiptLimit)")
            }
            limit = number
        }
        var filter = ReceiptShelf.Filter()
        for name in ["model", "site", "reason", "outcome"] {
            guard let value = exchange.query(name) else { continue }
            guard (1...256).contains(value.utf8.count) else { throw invalid(name, "1 to 256 bytes") }
            switch name {
            // An alias is as good.
            case "model": filter.model = router.view.routes[value]?.id ?? value
            case "site": filter.site = value
            case "reason":
                guard RouteReason(rawValue: value) != nil else {
                    throw invalid(name, RouteReason.allCases.map(\.rawValue).joined(separator: ", "))
                }
                filter.reason = value
            default:
                guard Receipt.outcomes.contains(value) else {
                    throw invalid(name, Receipt.outcomes.joined(separator: ", "))
                }
                filter.outcome = value
            }
        }
        if let text = exchange.query("since") {
            guard let since = Self.moment(text, nowSeconds: Self.nowSeconds) else {
                throw invalid("since", "a time such as 2026-11-25T14:00:00Z, or how long ago: 90s, 30m, 24h, 7d")
            }
            filter.since = since
        }
        return (filter, limit)
    }

    /// Milliseconds since 1970 of a time, or of how long ago.
    static func moment(_ text: String, nowSeconds: UInt64) -> UInt64? {
        if let moment = UTCText.milliseconds(text) { return moment }
        let units: [Character: UInt64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), let count = UInt64(text.dropLast()), count <= 1 << 32,
            text.first != "+"
        else { return nil }
        return (nowSeconds - min(nowSeconds, count * unit)) * 1000
    }

    private func invalid(_ parameter: String, _ allowed: String) -> APIError {
        APIError(400, code: "invalid_parameter", parameter: parameter, "\(parameter) takes \(allowed)")
    }

    private func unreadable(_ error: StorageError) -> APIError {
        control.log(.error, "the receipts that are kept cannot be read: \(error)")
        return APIError(
            503, type: "server_error", code: "storage_unavailable", "the receipts that are kept cannot be read just now",
            retryAfterSeconds: 5)
    }
}

extension ReceiptShelf.Filter {
    /// As `ReceiptShelf.list` has it.
    fileprivate func takes(_ trail: ReceiptTrail) -> Bool {
        if let model, trail.model != model { return false }
        if let site, !trail.triedSites.contains(site) { return false }
        if let reason, trail.reason?.rawValue != reason { return false }
        if let outcome, Receipt.kind(ofOutcome: trail.outcome) != outcome { return false }
        if let since, trail.at / 1_000_000 < since { return false }
        return true
    }
}
