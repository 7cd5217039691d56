//! The `OpenAPI` description says what is on the wire.

use std::collections::{BTreeMap, BTreeSet};

use runmill_proto::{
    ErrorKind, Fix, ItemType, JudgedPart, Note, Outcome, ReasoningEffort, Role, RunKind, RunStatus, Scorer,
    Strategy, Texts, TurnRole, Unscored, VerdictForm,
    api::{BudgetUnit, ComparisonTest, HeldBackCause, LaneBound, ProviderKind, ProviderProtocol, WhenUsedUp},
    chat::Finish,
    lease::Resource,
};
use serde::Serialize;
use serde_json::{Value, json};

fn document() -> Value {
    json!(runmill_dispatcher::openapi())
}

fn on_the_wire<T: Serialize>(values: &[T]) -> BTreeSet<String> {
    values.iter().map(|value| json!(value).as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_enum_has_the_names_that_are_sent() {
    let scorers = [
        Scorer::Exact,
        Scorer::Includes,
        Scorer::Regex,
        Scorer::Numeric,
        Scorer::Choice,
        Scorer::Match,
        Scorer::Pattern,
        Scorer::Answer,
        Scorer::F1,
        Scorer::Json,
        Scorer::Math,
        Scorer::Code,
        Scorer::None,
    ];
    let types = [
        ItemType::Freeform,
        ItemType::McqSingle,
        ItemType::McqMulti,
        ItemType::Code,
        ItemType::JudgePairwise,
    ];
    let finishes = [Finish::Stop, Finish::Length, Finish::ToolCalls, Finish::ContentFilter, Finish::Other];
    let verdicts = [VerdictForm::Binary, VerdictForm::Grades, VerdictForm::Scale, VerdictForm::Pairwise];
    let want = BTreeMap::from([
        ("BudgetUnit", on_the_wire(BudgetUnit::ALL)),
        ("ComparisonTest", on_the_wire(&[ComparisonTest::Mcnemar, ComparisonTest::PairedT])),
        ("ErrorKind", on_the_wire(ErrorKind::ALL)),
        ("Finish", on_the_wire(&finishes)),
        ("Fix", on_the_wire(Fix::ALL)),
        ("HeldBackCause", on_the_wire(HeldBackCause::ALL)),
        ("ItemType", on_the_wire(&types)),
        ("JudgedPart", on_the_wire(&[JudgedPart::Answer, JudgedPart::Extracted])),
        ("TurnRole", on_the_wire(&[TurnRole::System, TurnRole::User, TurnRole::Assistant])),
        ("LaneBound", on_the_wire(LaneBound::ALL)),
        ("Note", on_the_wire(Note::ALL)),
        ("Outcome", on_the_wire(Outcome::ALL)),
        ("ProviderKind", on_the_wire(ProviderKind::ALL)),
        ("ProviderProtocol", on_the_wire(ProviderProtocol::ALL)),
        ("ReasoningEffort", on_the_wire(ReasoningEffort::ALL)),
        ("Resource", on_the_wire(Resource::ALL)),
        ("Role", on_the_wire(Role::ALL)),
        ("RunKind", on_the_wire(RunKind::ALL)),
        ("RunStatus", on_the_wire(RunStatus::ALL)),
        ("Scorer", on_the_wire(&scorers)),
        ("Strategy", on_the_wire(&Strategy::ALL)),
        ("Texts", on_the_wire(Texts::ALL)),
        ("Unscored", on_the_wire(&[Unscored::Skip, Unscored::Zero])),
        ("VerdictForm", on_the_wire(&verdicts)),
        ("WhenUsedUp", on_the_wire(WhenUsedUp::ALL)),
    ]);
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let found = schemas.iter().filter_map(|(name, schema)| {
        let names = schema["enum"].as_array()?.iter().map(|name| name.as_str().unwrap().to_owned());
        Some((name.as_str(), names.collect::<BTreeSet<_>>()))
    });
    assert_eq!(found.collect::<BTreeMap<_, _>>(), want);
}

#[test]
fn every_operation_has_an_id_of_its_own() {
    let document = document();
    let mut seen = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for operation in methods.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(seen.insert(id), "{path}: {id} is the id of another operation, too");
        }
    }
    assert!(seen.contains("runs_create") && seen.contains("runs_cancel"), "{seen:?}");
}

#[test]
fn every_operation_has_its_role_its_tag_and_the_errors_of_its_parts() {
    let document = document();
    let scheme = &document["components"]["securitySchemes"]["token"];
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&json!("http"), &json!("bearer")));
    let statuses = |path: &str, method: &str| {
        let operation = &document["paths"][path][method];
        assert_eq!(operation["tags"], json!([path.split('/').nth(1).unwrap()]), "{path}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            let is_problem = response["content"]["application/problem+json"].is_object();
            assert_eq!(is_problem, status.as_str() >= "400", "{method} {path} {status}");
            assert_ne!(response["description"], "", "{method} {path} {status}");
        }
        let found: BTreeSet<_> = operation["responses"].as_object().unwrap().keys().cloned().collect();
        (operation["security"][0]["token"][0].clone(), found.into_iter().collect::<Vec<_>>().join(" "))
    };
    let table = [
        ("/executors", "get", "observe", "200 401 414 500 503"),
        ("/runs", "get", "observe", "200 400 401 414 500 503"),
        ("/runs", "post", "submit", "201 400 401 403 408 409 413 414 415 500 503"),
        ("/runs/{id}", "get", "observe", "200 400 401 404 414 500 503"),
        ("/datasets", "post", "submit", "201 400 401 403 409 414 500 503"),
        ("/providers/{id}", "delete", "admin", "204 400 401 403 404 409 414 500 503"),
    ];
    for (path, method, role, want) in table {
        assert_eq!(statuses(path, method), (json!(role), want.to_owned()), "{method} {path}");
    }
}

#[test]
fn numbers_have_their_bounds_and_ids_their_form() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let weight = &schemas["NewApiKey"]["properties"]["weight"];
    assert_eq!((&weight["minimum"], &weight["maximum"]), (&json!(1), &json!(100)));
    let limit = document["paths"]["/runs"]["get"]["parameters"].as_array().unwrap();
    let limit = limit.iter().find(|parameter| parameter["name"] == "limit").unwrap();
    assert_eq!((&limit["schema"]["minimum"], &limit["schema"]["maximum"]), (&json!(1), &json!(1000)));
    assert_eq!(schemas["RunId"]["pattern"], "^run_[0-9a-f]{32}$");
    assert_eq!(schemas["NewProvider"]["properties"]["name"]["maxLength"], 200);
}
