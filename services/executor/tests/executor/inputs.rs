use runmill_broker::Envelope;
use runmill_proto::{
    ErrorKind, Outcome, Scorer,
    api::Capabilities,
    message::{Invocation, Job, JobItem},
};
use serde_json::json;

use crate::{watched::Seen, world::World};

/// Makes a world whose provider has these capabilities, and publishes a job with these inputs.
async fn world(capabilities: Capabilities, inputs: &str) -> World {
    let world = World::new().await;
    world.change_provider(|provider| provider.capabilities = capabilities).await;
    let item = format!(r#"{{"id":"q","type":"freeform","inputs":{{"text":"What is it?",{inputs}}}}}"#);
    world.publish_as(Envelope::new(&Job { item: JobItem::Inline(item), ..world.job(0) })).await;
    world.start();
    world
}

/// Returns the capabilities of a provider that takes images as `images` says.
fn images(images: Option<bool>) -> Capabilities {
    Capabilities { images, ..Capabilities::default() }
}

async fn log(world: &mut World) -> Invocation {
    assert!(matches!(world.next().await, Seen::Taken(_)));
    world.next_invocation().await
}

const IMAGE: &str = r#""images":[{"url":"https://example.org/x.png"}]"#;

#[tokio::test]
async fn images_are_sent_unless_the_provider_takes_none() {
    for taken in [None, Some(true)] {
        let mut world = world(images(taken), IMAGE).await;

        let body = world.model.is_asked().await;

        let content = &body["messages"][0]["content"];
        assert_eq!(content[1]["image_url"]["url"], json!("https://example.org/x.png"), "{taken:?}: {body}");
    }
}

#[tokio::test]
async fn an_item_that_cannot_be_sent_whole_is_refused_without_a_call() {
    for (taken, inputs, want) in [
        (Some(false), IMAGE, "the item has images (1), and its provider takes none"),
        (None, r#""audio":{"data":"x"}"#, "the item has `inputs.audio`, which runmill cannot send"),
        (None, r#""video":{"url":"x"}"#, "the item has `inputs.video`, which runmill cannot send"),
    ] {
        let mut world = world(images(taken), inputs).await;

        let log = log(&mut world).await;

        assert_eq!((log.outcome, log.error_kind), (Outcome::Failed, Some(ErrorKind::BadItem)));
        assert!(log.error.as_deref().is_some_and(|error| error.contains(want)), "{:?}", log.error);
        assert!(!world.model.was_asked());
    }
}

#[tokio::test]
async fn a_provider_that_does_not_stream_is_asked_in_one_piece_at_once() {
    for (streaming, want) in [(None, json!(true)), (Some(false), json!(null))] {
        let capabilities = Capabilities { streaming, ..Capabilities::default() };
        let mut world = world(capabilities, r#""images":[]"#).await;

        let body = world.model.is_asked().await;

        assert_eq!(body["stream"], want, "{streaming:?}: {body}");
    }
}

#[tokio::test]
async fn a_template_that_loops_or_fills_memory_fails_its_item_without_a_call() {
    for template in [
        "{% for a in range(10000) %}{% for b in range(10000) %}{{ text }}{% endfor %}{% endfor %}",
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}{{ text }}",
        "{% include 'prompt' %}{{ text }}",
        "{{ text * 100000000 }}",
        "{{ [text] * 1000000 }}",
    ] {
        let mut world = World::new().await;
        let mut job = world.job(0);
        job.config.prompt_template = Some(template.into());
        world.publish_as(Envelope::new(&job)).await;
        world.start();
        assert!(matches!(world.next().await, Seen::Taken(_)));

        let log = world.next_invocation().await;

        assert_eq!((log.outcome, log.error_kind), (Outcome::Failed, Some(ErrorKind::BadItem)), "{template}");
        assert!(log.error.as_deref().unwrap().starts_with("the prompt template: "), "{:?}", log.error);
        assert!(!world.model.was_asked());
    }
}

#[tokio::test]
async fn a_sample_of_a_variation_is_asked_in_its_own_form_and_scored_by_its_reference() {
    let mut world = World::new().await;
    let item = r#"{"id":"q","type":"mcq_single","inputs":{"text":"Which?"},"choices":["Rome","Paris","Bern"],"answer":"B"}"#;
    let mut job = Job { item: JobItem::Inline(item.into()), sample: 1, ..world.job(0) };
    job.config.variation =
        serde_json::from_value(json!({"enabled": true, "strategies": ["shuffled_choices"]})).unwrap();
    world.publish_as(Envelope::new(&job)).await;
    world.start();

    let body = world.model.is_asked().await;
    let prompt = body["messages"][0]["content"].as_str().unwrap().to_owned();
    let paris = prompt.lines().find(|line| line.ends_with("Paris")).unwrap();
    assert!(!prompt.contains("A. Rome\nB. Paris\nC. Bern"), "it has another order: {prompt}");
    world.model.say(&paris[..1]);
    world.model.answer(1);

    assert_eq!(log(&mut world).await.score.unwrap().value, Some(1.0), "{prompt}");
}

#[tokio::test]
async fn an_executor_that_may_run_no_programs_says_so_and_keeps_the_answer() {
    let mut world = World::new().await;
    let meta = r#"{"test":"def check(f): assert f(2) == 4","entry_point":"double"}"#;
    let item = format!(r#"{{"id":"q","type":"code","inputs":{{"text":"def double(x):"}},"meta":{meta}}}"#);
    let mut job = Job { item: JobItem::Inline(item), ..world.job(0) };
    job.config.scoring = Some(Scorer::Code.into());
    world.publish_as(Envelope::new(&job)).await;
    world.start();
    world.model.answer(1);

    let log = log(&mut world).await;

    let score = log.score.unwrap();
    assert_eq!((score.scorer.as_str(), score.value, log.response.is_some()), ("code", None, true));
    assert!(score.detail.unwrap().contains("RUNMILL_CODE_SCORER=true"));
}
