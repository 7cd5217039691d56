use std::{fs, path::Path};

use runmill_gateway::{AnswerKey, Gateway, GatewaySettings, Share};
use runmill_proto::{Item, ItemType};

use crate::client::{ask, chat};

fn dataset(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name);
    fs::read_to_string(path).unwrap()
}

fn items(name: &str) -> Vec<Item> {
    dataset(name).lines().map(|line| Item::from_json(line).unwrap()).collect()
}

#[test]
fn the_real_datasets_are_items_and_every_answer_is_known() {
    let table = [
        ("gsm8k.jsonl", 1319, ItemType::Freeform),
        ("truthfulqa.jsonl", 100, ItemType::McqSingle),
        ("hellaswag.jsonl", 100, ItemType::McqSingle),
    ];
    for (name, count, item_type) in table {
        let items = items(name);
        let key = AnswerKey::from_items(&items).unwrap();

        assert!(items.iter().all(|item| item.item_type == item_type), "{name}");
        assert_eq!((items.len(), key.right_count(Share::ALL)), (count, count), "{name}");
    }
}

#[tokio::test]
async fn a_real_question_with_its_choices_below_is_answered_by_letter() {
    let answer_key = Some(AnswerKey::from_ndjson(dataset("hellaswag.jsonl").as_bytes()).unwrap());
    let gateway = Gateway::start(GatewaySettings { answer_key, ..GatewaySettings::default() }).await.unwrap();
    let item = &items("hellaswag.jsonl")[0];
    let prompt = format!("{}\n\nA. {}\nB. {}\n", item.inputs.text, item.choices[0], item.choices[1]);

    assert_eq!(chat(&gateway, "", &ask("key", &prompt)).await.buffered_text(), "The answer is C.");
    assert_ne!(chat(&gateway, "", &ask("key=0", &prompt)).await.buffered_text(), "The answer is C.");
}
