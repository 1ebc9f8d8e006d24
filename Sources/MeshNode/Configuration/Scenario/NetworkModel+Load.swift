import Simulation

extension NetworkModel {
    /// - Parameter base: what holds where a field is left out.
    static func decode(_ cursor: ConfigurationCursor, from base: NetworkModel) -> NetworkModel {
        cursor.objectOrDefaults { fields in
            var model = base
            func share(_ key: String, _ fallback: Double) -> Double { fields[key].number(in: 0...1, default: fallback) }
            func bytes(_ key: String, _ fallback: Int) -> Int { fields[key].size(in: 0...1_000_000, default: fallback) }

            model.delaySeconds = fields["delaySeconds"].span(in: 0...60, unit: "seconds", default: base.delaySeconds)
            model.jitterSeconds = fields["jitterSeconds"].duration(in: 0...60, default: base.jitterSeconds)
            model.loss = fields["loss"].number(in: 0...0.95, default: base.loss)
            model.retransmitSeconds = fields["retransmitSeconds"].duration(in: 0.01...60, default: base.retransmitSeconds)
            model.resetPerLoss = share("resetPerLoss", base.resetPerLoss)
            model.exchangeFailure = share("exchangeFailure", base.exchangeFailure)
            model.duplication = share("duplication", base.duplication)
            model.reorder = share("reorder", base.reorder)
            if fields["bandwidthBytesPerSecond"].isPresent {
                let bytes = fields["bandwidthBytesPerSecond"].number(in: 0...1e12)
                model.bandwidthBytesPerSecond = bytes > 0 ? bytes : nil
            }
            model.datagrams = fields["datagrams"].boolean(default: base.datagrams)
            model.idleLinkSeconds = fields["idleLinkSeconds"].duration(in: 0...86_400, default: base.idleLinkSeconds)
            model.handshakeBytes = bytes("handshakeBytes", base.handshakeBytes)
            model.wireBytesPerMessage = bytes("wireBytesPerMessage", base.wireBytesPerMessage)
            return model
        }
    }
}

extension ConfigurationCursor {
    /// Two numbers, `[least, most]`.
    func span(
        in allowed: ClosedRange<Double>, unit: String = "", default fallback: ClosedRange<Double>
    ) -> ClosedRange<Double> {
        guard let value else { return fallback }
        if case .array(let items) = value.content, items.count == 2, case .number(let least) = items[0].content,
            case .number(let most) = items[1].content, allowed.contains(least.value), allowed.contains(most.value),
            least.value <= most.value
        {
            return least.value...most.value
        }
        let low = Self.text(of: allowed.lowerBound)
        let high = Self.text(of: allowed.upperBound)
        refuse(allowed: "[least, most], two numbers\(unit.isEmpty ? "" : " of \(unit)") from \(low) to \(high)")
        return fallback
    }
}
