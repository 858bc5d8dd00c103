import RegistryModel
import Testing

@Suite("A plan that makes no sense", .whateverTheStore, .timeLimit(.minutes(15)))
struct PlanValidationTests {
    /// A body, and everything that is wrong with it.
    struct Case: Sendable {
        var body: String
        var complaints: [String]

        init(_ body: String, _ complaints: String...) {
            self.body = body
            self.complaints = complaints
        }
    }

    private static func head(_ rest: String) -> String {
        #"{"from":"japan","to":"aws",\#(rest)}"#
    }

    private static func waves(_ waves: String) -> String {
        head(#""select":{"fqdns":["a.example.com"]},"waves":\#(waves)"#)
    }

    static let fields = [
        Case("{}", "/from required", "/to required", "/select required"),
        Case(
            #"{"from":"japan","to":"japan","select":{"fqdns":["a.example.com"]}}"#, "/to invalid"),
        Case(
            #"{"from":"Japan","to":"a_b","select":{"fqdns":["a.example.com"]}}"#, "/from invalid",
            "/to invalid"),
        Case(
            #"{"from":5,"to":null,"select":[],"name":[],"freeze":true,"waves":{},"reason":1,"ticket":2}"#,
            "/name wrong-type", "/from wrong-type", "/to wrong-type", "/select wrong-type",
            "/waves wrong-type", "/freeze wrong-type", "/reason wrong-type", "/ticket wrong-type"),
        Case(
            head(#""select":{"fqdns":["a.example.com"]},"wave":1,"dry_run":true"#),
            "/wave unknown-field", "/dry_run unknown-field"),
        Case(
            head(#""select":{"fqdns":["a.example.com"]},"name":"""#), "/name too-short"),
        Case(
            head(
                #""select":{"fqdns":["a.example.com"]},"name":"\#(String(repeating: "n", count: 101))""#
            ), "/name too-long"),
        Case(head(#""select":{"fqdns":["a.example.com"]},"name":"a\nb""#), "/name invalid"),
        Case(
            head(#""select":{"fqdns":["a.example.com"]},"freeze":"READ_ONLY""#),
            "/freeze not-allowed"),
        Case(
            head(
                #""select":{"fqdns":["a.example.com"]},"reason":"\#(String(repeating: "r", count: 501))","ticket":"\#(String(repeating: "t", count: 101))""#
            ), "/reason too-long", "/ticket too-long"),
        Case("[]", " wrong-type"),
    ]

    static let selections = [
        Case(head(#""select":{}"#), "/select invalid"),
        Case(head(#""select":{"fqdns":["a.example.com"],"where":{}}"#), "/select invalid"),
        Case(head(#""select":{"sample_percent":5}"#), "/select invalid"),
        Case(head(#""select":{"fqdns":[]}"#), "/select/fqdns too-short"),
        Case(head(#""select":{"fqdns":"a.example.com"}"#), "/select/fqdns wrong-type"),
        Case(head(#""select":{"fqdns":null}"#), "/select/fqdns wrong-type"),
        Case(
            head(#""select":{"fqdns":["a.example.com"],"sample_percent":5}"#),
            "/select/sample_percent invalid"),
        Case(
            head(#""select":{"fqdns":["a.example.com"],"names":[]}"#),
            "/select/names unknown-field"),
        // Each by its place in the list, whatever stands before it.
        Case(
            head(
                #""select":{"fqdns":["a.example.com",5,"-a.example.com",null,"","b..example.com","localhost","a.example.com:80","1.2.3.4","*.example.com","ok.example.com"]}"#
            ),
            "/select/fqdns/1 wrong-type", "/select/fqdns/2 invalid-fqdn",
            "/select/fqdns/3 wrong-type", "/select/fqdns/4 invalid-fqdn",
            "/select/fqdns/5 invalid-fqdn", "/select/fqdns/6 invalid-fqdn",
            "/select/fqdns/7 invalid-fqdn", "/select/fqdns/8 invalid-fqdn",
            "/select/fqdns/9 invalid-fqdn"),
        Case(head(#""select":{"where":[]}"#), "/select/where wrong-type"),
        Case(head(#""select":{"where":null}"#), "/select/where wrong-type"),
        Case(
            head(#""select":{"where":{"location":"japan","mode":"serve"}}"#),
            "/select/where/location unknown-field", "/select/where/mode unknown-field"),
        Case(
            head(
                #""select":{"where":{"suffix":"","prefix":"","tenant":"","registered_before":""}}"#),
            "/select/where/suffix too-short", "/select/where/prefix too-short",
            "/select/where/tenant too-short", "/select/where/registered_before invalid"),
        Case(
            head(
                #""select":{"where":{"suffix":1,"prefix":2,"tenant":null,"registered_before":4}}"#),
            "/select/where/suffix wrong-type", "/select/where/prefix wrong-type",
            "/select/where/tenant wrong-type", "/select/where/registered_before wrong-type"),
        Case(
            head(
                #""select":{"where":{"suffix":"a_b","registered_before":"2020-01-01","tenant":"a\u0000"}}"#
            ), "/select/where/suffix invalid", "/select/where/tenant invalid",
            "/select/where/registered_before invalid"),
    ]

    static let numbers = [
        Case(
            head(#""select":{"where":{},"sample_percent":0}"#),
            "/select/sample_percent out-of-range"),
        Case(
            head(#""select":{"where":{},"sample_percent":100.01}"#),
            "/select/sample_percent out-of-range"),
        Case(
            head(#""select":{"where":{},"sample_percent":-1}"#),
            "/select/sample_percent out-of-range"),
        Case(
            head(#""select":{"where":{},"sample_percent":"5"}"#),
            "/select/sample_percent wrong-type"),
        Case(waves("[]"), "/waves too-short"),
        Case(
            waves("[\(Array(repeating: #"{"count":1}"#, count: 1_001).joined(separator: ","))]"),
            "/waves too-long"),
        Case(waves(#"[5,{"rest":true}]"#), "/waves/0 wrong-type"),
        Case(waves(#"[{}]"#), "/waves/0/count invalid"),
        Case(waves(#"[{"count":1,"percent":1}]"#), "/waves/0/count invalid"),
        Case(waves(#"[{"count":0}]"#), "/waves/0/count out-of-range"),
        Case(waves(#"[{"count":-1}]"#), "/waves/0/count out-of-range"),
        Case(waves(#"[{"count":1.5}]"#), "/waves/0/count wrong-type"),
        Case(waves(#"[{"count":"1"}]"#), "/waves/0/count wrong-type"),
        Case(waves(#"[{"count":99999999999999999999}]"#), "/waves/0/count out-of-range"),
        Case(waves(#"[{"percent":0}]"#), "/waves/0/percent out-of-range"),
        Case(waves(#"[{"percent":100.1}]"#), "/waves/0/percent out-of-range"),
        Case(waves(#"[{"percent":"all"}]"#), "/waves/0/percent wrong-type"),
        Case(waves(#"[{"rest":false}]"#), "/waves/0/rest invalid"),
        Case(waves(#"[{"rest":1}]"#), "/waves/0/rest wrong-type"),
        Case(waves(#"[{"size":1}]"#), "/waves/0/count invalid", "/waves/0/size unknown-field"),
        Case(waves(#"[{"rest":true},{"count":1}]"#), "/waves/0 invalid"),
        Case(waves(#"[{"rest":true},{"rest":true}]"#), "/waves/0 invalid"),
        Case(
            waves(#"[{"count":1,"of":2},{"percent":5,"rest":true}]"#), "/waves/0/of unknown-field",
            "/waves/1/count invalid"),
    ]

    enum Part: String, CaseIterable {
        case fields, selections, numbers

        var cases: [Case] {
            switch self {
            case .fields: PlanValidationTests.fields
            case .selections: PlanValidationTests.selections
            case .numbers: PlanValidationTests.numbers
            }
        }
    }

    @Test(arguments: Part.allCases)
    func `is told everything that is wrong, each with its place`(part: Part) async throws {
        try await withRegistry { registry in
            let head = try await registry.head()
            for item in part.cases {
                for query in ["", "?dry_run=true"] {
                    let answer = try await registry.post(
                        "/v1/migrations\(query)", as: .role(.operator_), item.body)
                    #expect(answer.isProblem(400, "invalid-request"), "\(item.body.prefix(200))")
                    #expect(answer.complaints == item.complaints, "\(item.body.prefix(200))")
                }
            }
            #expect(try await registry.head() == head)
        }
    }

    @Test func `and isn't JSON is 400 as well`() async throws {
        try await withRegistry { registry in
            for body in [
                "", "x", "{", #"{"from":"japan","from":"japan"}"#, #"{"from":"japan"} {}"#,
                #"{"select":{"fqdns":["a.example.com"#, String(repeating: "[", count: 40),
            ] {
                let answer = try await registry.post("/v1/migrations", body)
                #expect(answer.isProblem(400, "invalid-json"), "\(body)")
            }
        }
    }

    @Test func `at a location that isn't there is 422`() async throws {
        try await withRegistry { registry in
            for (from, to) in [("mars", "aws"), ("japan", "mars")] {
                let body = RunningRegistry.planBody(["a.example.com"], from: from, to: to)
                for query in ["", "?dry_run=true"] {
                    let answer = try await registry.post("/v1/migrations\(query)", body)
                    #expect(answer.isProblem(422, "unknown-location"))
                    #expect(answer["detail"]?.text?.contains("mars") == true)
                }
            }
            #expect(try await registry.get("/v1/migrations").items.isEmpty)
        }
    }

    @Test func `in its query plans nothing`() async throws {
        try await withRegistry { registry in
            for (query, complaint) in [
                ("dry_run=1", "?dry_run invalid"), ("dry_run=", "?dry_run invalid"),
                ("dry_run=TRUE", "?dry_run invalid"),
                ("dry_run=true&dry_run=false", "?dry_run repeated"),
                ("dryrun=true", "?dryrun unknown-parameter"),
                ("wait=converged", "?wait unknown-parameter"),
            ] {
                let answer = try await registry.post(
                    "/v1/migrations?\(query)", RunningRegistry.planBody(["a.example.com"]))
                #expect(answer.complaints == [complaint])
            }
            #expect(try await registry.get("/v1/migrations").items.isEmpty)
        }
    }
}
