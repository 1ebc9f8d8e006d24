/// What is due at a moment of a study.
struct StudyHappening: Comparable {
    enum Kind {
        case arrival
        /// A request has reached a site.
        case reach(site: Int, queues: Bool)
        /// The site's refusal has reached the entry, with the site's load as of then.
        case refusal(site: Int, StudyLoad)
        /// The first token is there, and the head of an answer leaves the site.
        case answers(site: Int)
        /// The head has reached the entry, with the site's load as of when it left.
        case head(site: Int, StudyLoad)
        /// The first of a site's running requests is done, unless another plan was made since (`attempt`).
        case done(site: Int)
        /// The end of an answer has reached the entry.
        case end(site: Int)
        /// That a site has failed it has become clear to the entry.
        case broke(site: Int)
        /// A site tells its load.
        case report(site: Int)
        case heard(site: Int, StudyLoad)
        /// A site ends with its node, or its job ends.
        case death(site: Int)
        case jobEnd(site: Int)
        case jobStart(site: Int)
        /// All know of it.
        case known(site: Int, StudyStanding)
    }

    var at: Double
    var order: Int
    var kind: Kind
    var request: Int
    /// Which of the request's tries it is about: what is about an earlier one is over.
    var attempt: Int

    static func < (a: StudyHappening, b: StudyHappening) -> Bool { a.at == b.at ? a.order < b.order : a.at < b.at }
    static func == (a: StudyHappening, b: StudyHappening) -> Bool { a.order == b.order }
}

/// A site's load as it tells of it.
struct StudyLoad {
    var slots: Int
    var running: Int
    var waiting: Int
    var at: Double
}

/// What others have been told of a site's model.
enum StudyStanding {
    case running, draining, starting, dead
}
