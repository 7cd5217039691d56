use runmill_proto::Inputs;

use super::*;

fn item(choices: &[&str], answer: &str) -> Item {
    Item {
        id: "q1".into(),
        item_type: if choices.is_empty() { ItemType::Freeform } else { ItemType::McqSingle },
        inputs: Inputs { text: "What is\nthe capital of France?".into(), ..Inputs::default() },
        choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
        answer: Some(Answer::One(answer.into())),
        answers: Vec::new(),
        checker: None,
        criteria: None,
        meta: None,
        request: None,
    }
}

const CITIES: [&str; 4] = ["Rome", "Paris", "Bern", "Oslo"];

fn reference(item: &Item) -> &str {
    match item.answer.as_ref().unwrap() {
        Answer::One(one) => one,
        Answer::Many(_) => panic!("there is one reference"),
    }
}

#[test]
fn a_letter_follows_its_choice_and_a_text_stays() {
    for answer in ["B", "(b)", "B."] {
        for sample in 1..50 {
            let other = varied(item(&CITIES, answer), Strategy::ShuffledChoices, sample);
            let place = labelled_choice(reference(&other)).unwrap();
            assert_eq!(other.choices[place], "Paris", "{answer} {sample}");
            assert_ne!(other.choices, CITIES, "{sample}");
            let mut sorted = other.choices.clone();
            sorted.sort();
            assert_eq!(sorted, ["Bern", "Oslo", "Paris", "Rome"]);
        }
    }
    let other = varied(item(&CITIES, "Paris"), Strategy::ShuffledChoices, 1);
    assert_eq!(reference(&other), "Paris");
    let letters = varied(item(&["B", "A"], "A"), Strategy::ShuffledChoices, 1);
    assert_eq!((reference(&letters), letters.choices.as_slice()), ("A", &["A".to_owned(), "B".into()][..]));
}

#[test]
fn several_references_follow_their_choices() {
    let many = Item { answer: Some(Answer::Many(vec!["A".into(), "D".into()])), ..item(&CITIES, "A") };
    let other = varied(many, Strategy::ShuffledChoices, 1);
    let Some(Answer::Many(many)) = &other.answer else { panic!("there are two references") };
    let named: Vec<_> =
        many.iter().map(|one| other.choices[labelled_choice(one).unwrap()].as_str()).collect();
    assert_eq!(named, ["Rome", "Oslo"]);
}

#[test]
fn a_form_is_the_same_each_time_and_forms_differ() {
    let orders = |samples: std::ops::Range<u32>| -> Vec<_> {
        samples.map(|sample| varied(item(&CITIES, "B"), Strategy::ShuffledChoices, sample).choices).collect()
    };
    assert_eq!(orders(1..20), orders(1..20));
    let mut different = orders(1..20);
    different.sort();
    different.dedup();
    assert!(different.len() > 5, "{different:?}");
    // A change of the order would change the scores of runs that go on over an upgrade.
    assert_eq!(orders(1..2)[0], ["Oslo", "Rome", "Paris", "Bern"]);
}

#[test]
fn texts_keep_their_words() {
    let plain = item(&[], "Paris");
    let text = |strategy| varied(plain.clone(), strategy, 3).inputs.text;
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&text(Strategy::Whitespace)), words(&plain.inputs.text));
    assert_ne!(text(Strategy::Whitespace), plain.inputs.text);
    assert_eq!(text(Strategy::Case), "what is\nthe capital of france?");
    assert!(text(Strategy::Prefix).ends_with(&plain.inputs.text));
    assert!(text(Strategy::Suffix).starts_with(&plain.inputs.text));
    assert_eq!(text(Strategy::ShuffledChoices), plain.inputs.text, "it has no choices");
}

#[test]
fn the_form_of_code_has_a_meaning() {
    let code = Item { item_type: ItemType::Code, ..item(&[], "Paris") };
    for strategy in [Strategy::Whitespace, Strategy::Case] {
        assert_eq!(varied(code.clone(), strategy, 1), code);
    }
}
