import Gossip
import Testing

@Suite struct OfferTests {
    /// A dead node whose catalog lets others use its endpoints is kept for that, and no longer.
    @Test func aNodeThatOffersItsEndpointsIsKeptLonger() throws {
        var settings = Settings()
        settings.deadAfterSeconds = 10
        settings.forgetAfterSeconds = 20
        settings.offerKeptSeconds = 200
        let network = TestNetwork(count: 4, settings: settings)
        let offer = DirectOffer(
            entrySites: ["s0"], maxAgeSeconds: 300, endpoint: "e", function: "f", style: "meshnode", server: "{}",
            apiPort: 0,
            upstreamModel: "m", endpointConfig: nil, slots: 1)
        let variant = Variant(id: "m", state: .running, backend: "globusCompute", direct: offer)
        network.script(
            .run(5), .publish("s1", .catalog(Catalog(models: [variant]))), .run(10), .crash("s1"), .crash("s2"), .run(100))
        let view = try #require(network.machines[node("s0")]?.view)
        #expect(view[node("s1")]?.state == .dead)
        #expect(view[node("s1")]?.catalog?.models.first?.direct == offer)
        #expect(view[node("s2")] == nil, "one that offers nothing is forgotten as ever")
        network.perform(.run(250))
        #expect(network.machines[node("s0")]?.view[node("s1")] == nil)
    }
}
