import Gossip

extension ReceiptTrail {
    /// The receipt.
    ///
    /// - Parameters:
    ///   - choice: what it was chosen by.
    ///   - whole: with every choice in numbers.
    public func receipt(_ choice: Choice, whole: Bool = true) -> Receipt {
        Receipt(
            id: id, requestID: requestID, at: at / 1_000_000, model: model, user: user, entry: "\(entry)", site: site,
            reason: reason, tries: tries, bounces: bounces, outcome: outcome, candidates: seen(choice),
            decision: whole ? decision(choice) : nil)
    }

    /// Sites that a try went to, each once.
    public var triedSites: [String] {
        var sites: [String] = []
        for mark in marks {
            guard let site = mark.direct?.siteName ?? mark.picked.map({ among(mark.leg)[$0.index].node.siteName })
            else {
                continue
            }
            if !sites.contains(site) { sites.append(site) }
        }
        return sites
    }

    /// As they were at the first choice; where none was made, as they are.
    func seen(_ choice: Choice) -> [Receipt.Seen] {
        guard let mark = marks.first else {
            return candidates.map { candidate in
                let load = candidate.load.sample()
                let rule = choice.exclusion(of: candidate, for: needs)
                return Receipt.Seen(candidate, load, choice, excluded: rule, now: began)
            }
        }
        let rules = rules(0, choice)
        let passedOver = passedOver(0, rules, choice)
        let candidates = among(mark.leg)
        return candidates.indices.map { index in
            Receipt.Seen(
                candidates[index], samples[mark.firstSample + index], choice, excluded: rules[index] ?? passedOver[index],
                now: mark.now)
        }
    }

    /// The hard rules that had candidates out at a choice. They depend on nothing that has changed since.
    private func rules(_ number: Int, _ choice: Choice) -> [Exclusion?] {
        among(marks[number].leg).map { choice.exclusion(of: $0, for: marks[number].needs) }
    }

    /// Why others were passed over at a choice; nothing, where even what is passed over was taken.
    private func passedOver(_ number: Int, _ rules: [Exclusion?], _ choice: Choice) -> [Exclusion?] {
        let mark = marks[number]
        let reasons = rules.indices.map { index in
            rules[index] == nil
                ? choice.passingOver(samples[mark.firstSample + index], mark.needs, now: mark.now) : nil
        }
        let taken = mark.picked.flatMap { reasons[$0.index] }
        return taken == nil ? reasons : Array(repeating: nil, count: rules.count)
    }

    private func decision(_ choice: Choice) -> Decision {
        let request = Decision.Request(marks.first?.needs ?? needs)
        return Decision(
            version: Decision.currentVersion, request: request, settings: choice.settings, limits: limits,
            places: places(marks.first?.leg ?? 0), steps: marks.indices.map { step($0, request, choice) })
    }

    private func step(_ number: Int, _ request: Decision.Request, _ choice: Choice) -> Decision.Step {
        let mark = marks[number]
        let rules = rules(number, choice)
        let passedOver = passedOver(number, rules, choice)
        let asked = Decision.Request(mark.needs)
        let isNew = number > 0 && mark.leg != marks[number - 1].leg
        return Decision.Step(
            afterSeconds: Self.seconds(mark.now, since: began), now: mark.now, random: mark.random,
            request: asked == request ? nil : asked, places: isNew ? places(mark.leg) : nil,
            loads: rules.indices.map { rules[$0] == nil ? samples[mark.firstSample + $0] : nil },
            excluded: rules.indices.map { (rules[$0] ?? passedOver[$0])?.description },
            picked: mark.picked, direct: mark.direct?.description, ended: mark.ended?.text ?? "",
            tookSeconds: mark.ended == nil ? 0 : Self.seconds(mark.endedAt, since: mark.now),
            consequence: isHedged(number) ? .failed : mark.consequence,
            hedge: mark.isHedge ? true : nil)
    }

    private func places(_ leg: Int) -> [Decision.Place] {
        among(leg).map {
            Decision.Place(site: $0.node.site, node: $0.node.node, federation: $0.node.federation, isLocal: $0.isLocal)
        }
    }

    private static func seconds(_ now: UInt64, since before: UInt64) -> Double {
        (Double(now - min(now, before)) / 1e3).rounded() / 1e6
    }
}

extension ReceiptTrail.Mark {
    /// As `Router.tryCandidates` goes on from it.
    var consequence: Decision.Step.Consequence {
        guard picked != nil else { return .none }
        switch ended {
        case .refused: return queued ? .failed : .refused
        case .failed: return .failed
        case nil, .answered, .interrupted, .clientGone, .outrun: return .none
        }
    }
}
