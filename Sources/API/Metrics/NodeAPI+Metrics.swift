import Gossip
import Routing
import Synchronization
import Transport

extension NodeAPI {
    /// `GET /metrics`: Prometheus text, version 0.0.4.
    func answerMetrics(_ call: Call) async {
        var text = metrics.text
        text += counters()
        text += models(now: call.exchange.worker.loop.now)
        text += admission()
        text += await control.metrics()
        await call.exchange.respond(status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8", body: text) {
            call.fields($0)
        }
    }

    private func counters() -> String {
        let counters = router.counters
        let rows: [(String, String, Int)] = [
            (
                "meshnode_routed_home_total", "Requests answered by this node's own site.",
                counters.ranHere.load(ordering: .relaxed)
            ),
            (
                "meshnode_routed_away_total", "Requests answered by another site.",
                counters.ranElsewhere.load(ordering: .relaxed)
            ),
            (
                "meshnode_served_for_peers_total", "Requests of other nodes run here.",
                counters.ranForOthers.load(ordering: .relaxed)
            ),
            ("meshnode_bounces_total", "Refusals by sites that were full.", counters.bounces.load(ordering: .relaxed)),
            ("meshnode_refusals_total", "Requests of other nodes refused here.", counters.refusals.load(ordering: .relaxed)),
            (
                "meshnode_failovers_total", "Attempts that failed before their first byte.",
                counters.failovers.load(ordering: .relaxed)
            ),
            (
                "meshnode_interrupted_total", "Streams that broke after their first byte.",
                counters.interrupted.load(ordering: .relaxed)
            ),
            (
                "meshnode_first_bytes_late_total", "Attempts that were left because their first byte was late.",
                counters.firstBytesLate.load(ordering: .relaxed)
            ),
            (
                "meshnode_retries_total", "Attempts made because another one had failed.",
                router.retries.taken.load(ordering: .relaxed)
            ),
            (
                "meshnode_retries_denied_total", "Attempts not made because the budget for them was used up.",
                router.retries.denied.load(ordering: .relaxed)
            ),
            (
                "meshnode_hedged_total", "Second attempts beside one whose first byte was late.",
                router.hedges.made.load(ordering: .relaxed)
            ),
            (
                "meshnode_hedges_won_total", "Second attempts that answered.",
                router.hedges.won.load(ordering: .relaxed)
            ),
            (
                "meshnode_hedges_denied_total", "Second attempts not made because enough were.",
                router.hedges.denied.load(ordering: .relaxed)
            ),
            (
                "meshnode_continued_total", "Times that a broken stream went on at another site.",
                counters.continued.load(ordering: .relaxed)
            ),
            (
                "meshnode_clients_gone_total", "Clients that left before their answer's end.",
                counters.clientsGone.load(ordering: .relaxed)
            ),
            (
                "meshnode_forbidden_total", "Requests that an access rule refused.",
                counters.forbidden.load(ordering: .relaxed)
            ),
            (
                "meshnode_identities_refused_total", "Words of other nodes on who a user is that were not believed.",
                counters.identitiesRefused.load(ordering: .relaxed)
            ),
            (
                "meshnode_requests_ended_total", "Requests under way that an operator's block ended.",
                counters.ended.load(ordering: .relaxed)
            ),
            (
                "meshnode_identities_signed_total", "Signatures made on who a user is, for other sites.",
                router.identitiesSigned
            ),
            (
                "meshnode_identities_verified_total", "Signatures of other nodes on who a user is that were checked.",
                counters.identitiesVerified.load(ordering: .relaxed)
            ),
            (
                "meshnode_direct_total", "Requests submitted to the endpoint of a site whose nodes were away.",
                counters.ranDirectly.load(ordering: .relaxed)
            ),
            (
                "meshnode_callbacks_unknown_total", "Callbacks of tasks that were not awaited.",
                callbackCounters.unknown.load(ordering: .relaxed)
            ),
            (
                "meshnode_callbacks_refused_total", "Callbacks with a wrong secret.",
                callbackCounters.refused.load(ordering: .relaxed)
            ),
            (
                "meshnode_stale_retries_total", "Kept connections found closed.",
                counters.staleRetries.load(ordering: .relaxed)
            ),
        ]
        return rows.map { "# HELP \($0.0) \($0.1)\n# TYPE \($0.0) counter\n\($0.0) \($0.2)\n" }.joined()
    }

    private func models(now: UInt64) -> String {
        let view = router.view
        var out =
            "# HELP meshnode_model_slots Requests that a model can run at once, by site.\n# TYPE meshnode_model_slots gauge\n"
        var running = "# HELP meshnode_model_running Requests running, by site.\n# TYPE meshnode_model_running gauge\n"
        for id in view.models {
            for candidate in view.routes[id]?.candidates ?? [] {
                let sample = candidate.load.sample()
                guard sample.heard != 0 else { continue }
                let labels = "{model=\"\(label(id))\",site=\"\(candidate.node.siteName)\",node=\"\(candidate.node.node)\"}"
                out += "meshnode_model_slots\(labels) \(sample.slots)\n"
                running += "meshnode_model_running\(labels) \(sample.running)\n"
            }
        }
        return out + running
    }

    func label(_ text: String) -> String {
        String(text.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : $0 == "\n" ? ["\\", "n"] : [$0] })
    }
}
