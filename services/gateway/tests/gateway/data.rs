use std::{fs, path::Path};

use runmill_gateway::{AnswerKey, Gateway, GatewaySettings, Share};
use runmill_prompt::Prompt;
use runmill_proto::{Item, ItemType};

use crate::client::{ask, chat};

const SETS: [(&str, usize, ItemType); 3] = [
    ("gsm8k.jsonl", 1319, ItemType::Freeform),
    ("truthfulqa.jsonl", 100, ItemType::McqSingle),
    ("hellaswag.jsonl", 100, ItemType::McqSingle),
];

fn items(name: &str) -> Vec<Item> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name);
    fs::read_to_string(path).unwrap().lines().map(|line| Item::from_json(line).unwrap()).collect()
}

async fn knowing(items: &[Item]) -> Gateway {
    let answer_key = Some(AnswerKey::from_items(items).unwrap());
    Gateway::start(GatewaySettings { answer_key, ..GatewaySettings::default() }).await.unwrap()
}

#[test]
fn the_real_datasets_are_items_and_every_answer_is_known() {
    for (name, count, item_type) in SETS {
        let items = items(name);
        let key = AnswerKey::from_items(&items).unwrap();

        assert!(items.iter().all(|item| item.item_type == item_type), "{name}");
        assert_eq!((items.len(), key.right_count(Share::ALL)), (count, count), "{name}");
    }
}

/// Tests the scores that the answer key predicts, with the prompts and the scorers of runs.
#[tokio::test]
async fn each_item_scores_one_or_zero_as_its_id_says() {
    let share: Share = "0.7".parse().unwrap();
    let prompt = Prompt::compile(None).unwrap();
    for (name, ..) in SETS {
        let items = items(name);
        let gateway = knowing(&items).await;
        for item in &items {
            let request = ask("key=0.7+tokens=40", &prompt.render(item).unwrap());

            let said = chat(&gateway, "", &request).await.buffered_text();

            let score = runmill_scoring::score(item, None, &said).unwrap();
            let want = if AnswerKey::is_right(&item.id, share) { 1.0 } else { 0.0 };
            assert_eq!(score.value, Some(want), "{}: {said}: {score:?}", item.id);
        }
    }
}
