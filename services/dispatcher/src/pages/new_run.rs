use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use runmill_pages::{Choice, Estimate, Form as RunForm, RunStep, Tried};
use runmill_proto::{
    DatasetId, RunConfig,
    api::{Budget, DatasetItem, NewRun, PageQuery, SmokeTestRequest},
};
use serde::Deserialize;
use serde_json::{Map, Number, Value, json};

use super::{Pages, Shown, forms::given, viewer};
use crate::{
    api::{
        ApiError, Change, Changed, datasets,
        extract::{Body, Form, Path, Query},
        smoke_tests,
    },
    caller::Caller,
};

/// Number of items that are shown before a run.
const ITEMS: u32 = 5;
/// Largest number of providers in the form.
const PROVIDERS: u32 = 1_000;

#[derive(Deserialize)]
pub struct NewRunQuery {
    dataset: Option<DatasetId>,
}

pub async fn page(
    State(pages): State<Pages>,
    caller: Caller,
    Query(NewRunQuery { dataset }): Query<NewRunQuery>,
) -> Result<Shown, ApiError> {
    match dataset {
        Some(id) => pages.step(&caller, id, &RunForm::default(), &[], None).await,
        None => Ok(Shown(pages.dataset_step(&caller, None).await?, viewer(&caller))),
    }
}

/// The form, with the dataset for which it was typed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    dataset: String,
    #[serde(flatten)]
    form: RunForm,
}

impl Typed {
    fn dataset(&self) -> Result<DatasetId, ApiError> {
        self.dataset.parse().map_err(|error| ApiError::bad_request(format!("dataset: {error}")))
    }

    /// Returns the run that the form asks for. Its values are checked where those of the API are.
    fn new_run(&self) -> Result<NewRun, ApiError> {
        let form = &self.form;
        let (mut config, mut generation) = (Map::new(), Map::new());
        let put = |map: &mut Map<String, Value>, key: &str, value: Option<Value>| {
            map.extend(value.map(|value| (key.to_owned(), value)));
        };
        put(&mut generation, "temperature", number("temperature", &form.temperature)?);
        put(&mut generation, "max_new_tokens", number("max tokens", &form.max_tokens)?);
        put(&mut config, "samples", number("samples", &form.samples)?);
        put(&mut config, "concurrency", number("calls in flight", &form.concurrency)?);
        put(&mut config, "system_prompt", given(Some(&form.system_prompt)).map(Value::from));
        put(&mut config, "prompt_template", given(Some(&form.template)).map(Value::from));
        put(&mut config, "scoring", given(Some(&form.scorer)).map(|scorer| json!({"scorer": scorer})));
        let generation = (!generation.is_empty()).then_some(Value::Object(generation));
        put(&mut config, "generation", generation);
        let cost_usd = number("budget", &form.budget_usd)?.and_then(|budget| budget.as_f64());
        let provider = form.provider.parse();
        Ok(NewRun {
            name: given(Some(&form.name)),
            provider_id: provider.map_err(|error| ApiError::bad_request(format!("provider: {error}")))?,
            model: form.model.trim().to_owned(),
            dataset_id: Some(self.dataset()?),
            config: RunConfig(config),
            priority: None,
            budget: cost_usd.map(|cost_usd| Budget { cost_usd: Some(cost_usd), ..Budget::default() }),
            webhook: None,
        })
    }
}

/// Reads a number that was typed, as JSON has it.
fn number(name: &str, text: &str) -> Result<Option<Value>, ApiError> {
    let Some(text) = given(Some(text)) else { return Ok(None) };
    let number: Number =
        text.parse().map_err(|_| ApiError::bad_request(format!("{name} must be a number")))?;
    Ok(Some(Value::Number(number)))
}

/// Starts the run. A form with faults is shown again.
pub async fn start(
    State(pages): State<Pages>,
    caller: Caller,
    Form(typed): Form<Typed>,
) -> Result<Response, ApiError> {
    let (dataset, new) = (typed.dataset()?, typed.new_run());
    let submitted = match new {
        Ok(new) => pages.api.submission.submit(&caller, new, None, None).await.map_err(Into::into),
        Err(error) => Err(error),
    };
    match submitted {
        Ok(row) => {
            let change = Change::new("run.create", &row.submission.tenant).of(row.id);
            Ok(Changed(change, Redirect::to(&format!("/ui/runs/{}", row.id))).into_response())
        }
        Err(error) => pages.again(&caller, dataset, &typed, error).await,
    }
}

/// Asks the model one short question, and shows the answer beside the form.
pub async fn smoke_test(
    State(pages): State<Pages>,
    caller: Caller,
    Form(typed): Form<Typed>,
) -> Result<Response, ApiError> {
    let (dataset, tested) = (typed.dataset()?, pages.tested(&caller, &typed).await);
    match tested {
        Ok(Changed(change, tried)) => {
            let page = pages.step(&caller, dataset, &typed.form, &[], Some(tried)).await?;
            Ok(Changed(change, page).into_response())
        }
        Err(error) => pages.again(&caller, dataset, &typed, error).await,
    }
}

/// Estimates the run, and shows the estimate beside the form.
pub async fn estimate(
    State(pages): State<Pages>,
    caller: Caller,
    Form(typed): Form<Typed>,
) -> Result<Response, ApiError> {
    let dataset = typed.dataset()?;
    let estimated = async { pages.estimated(&caller, typed.new_run()?).await };
    match estimated.await {
        Ok(rows) => {
            let tried = Some(Tried::Estimate(Estimate(rows)));
            Ok(pages.step(&caller, dataset, &typed.form, &[], tried).await?.into_response())
        }
        Err(error) => pages.again(&caller, dataset, &typed, error).await,
    }
}

impl Pages {
    async fn tested(&self, caller: &Caller, typed: &Typed) -> Result<Changed<Tried>, ApiError> {
        let NewRun { provider_id, model, .. } = typed.new_run()?;
        let asked = Body(SmokeTestRequest { model });
        let Changed(change, report) =
            smoke_tests::create(State(self.api.clone()), caller.clone(), Path(provider_id), asked).await?;
        Ok(Changed(change, Tried::SmokeTest(Box::new(report.0))))
    }

    /// Shows the form again, with the faults of its values. Other errors are pages of their own.
    async fn again(
        &self,
        caller: &Caller,
        dataset: DatasetId,
        typed: &Typed,
        error: ApiError,
    ) -> Result<Response, ApiError> {
        if error.status() != StatusCode::BAD_REQUEST && error.status() != StatusCode::SERVICE_UNAVAILABLE {
            return Err(error);
        }
        let status = error.status();
        let faults = error.named_faults();
        let page = self.step(caller, dataset, &typed.form, &faults, None).await?;
        Ok((status, page).into_response())
    }

    /// Shows the form with the first items of the dataset.
    async fn step(
        &self,
        caller: &Caller,
        id: DatasetId,
        form: &RunForm,
        faults: &[(String, String)],
        tried: Option<Tried>,
    ) -> Result<Shown, ApiError> {
        let dataset = caller.dataset(&*self.api.store, id).await?;
        let items = self.first_items(caller, id).await?;
        let rows = caller.providers(&*self.api.store, None, PROVIDERS).await?;
        let choices: Vec<_> = rows.into_iter().map(|row| Choice { id: row.id, name: row.name }).collect();
        let viewer = viewer(caller);
        let step = RunStep {
            viewer: &viewer,
            dataset: &dataset,
            understood: &self.understood.of(id),
            items: &items,
            choices: &choices,
            form,
            faults,
            tried,
        };
        let page = step.page();
        Ok(Shown(page, viewer))
    }

    async fn first_items(&self, caller: &Caller, id: DatasetId) -> Result<Vec<DatasetItem>, ApiError> {
        let first = PageQuery { limit: Some(ITEMS.to_string()), after: None };
        let read = datasets::items(State(self.api.clone()), caller.clone(), Path(id), Query(first)).await;
        match read {
            Ok(page) => Ok(page.0.items),
            // Lines of a batch are no items.
            Err(error) if error.status() == StatusCode::CONFLICT => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}
