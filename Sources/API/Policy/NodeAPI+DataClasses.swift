import Gossip
import Routing
import Transport

extension NodeAPI {
    /// The labels in `Mesh-Data-Class`; all fields of that name count.
    func dataClasses(_ exchange: HTTPExchange) throws(APIError) -> [String] {
        guard exchange.head.first(.meshDataClass) != nil else { return [] }
        return try checked(exchange.texts(.meshDataClass).flatMap(dataClassNames), "Mesh-Data-Class")
    }

    /// Labels as a caller gave them, which must be some and not too many.
    func checked(_ names: [String], _ parameter: String) throws(APIError) -> [String] {
        guard (1...DataClass.perRequest).contains(names.count),
            names.allSatisfy({ $0.utf8.count <= DataClass.nameBytesAllowed })
        else {
            throw APIError(
                400, code: "invalid_data_class", parameter: parameter,
                "\(parameter) takes 1 to \(DataClass.perRequest) data classes separated by commas")
        }
        return names
    }

    /// What a request's data asks of the place where it runs.
    ///
    /// - Throws: 400 for a class that is not known here, naming those that are: what is not known cannot be kept.
    func demands(of user: UserIdentity?, _ asked: [String]) throws(APIError) -> DataDemands {
        do throws(UnknownDataClass) {
            return try facts.data.demands(of: user, asked: asked, nowSeconds: Self.nowSeconds)
        } catch {
            throw APIError(400, code: "unknown_data_class", parameter: "Mesh-Data-Class", "\(error)")
        }
    }
}
