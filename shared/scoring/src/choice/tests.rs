use proptest::prelude::*;
use runmill_proto::{Answer, Inputs, Item, ItemType};

use super::*;
use crate::question::references;

const CITIES: &[&str] = &["Paris", "Rome", "Berlin", "A city in Spain"];

fn item(item_type: ItemType, choices: &[&str], answer: Answer) -> Item {
    Item {
        id: "q".into(),
        item_type,
        inputs: Inputs { text: "?".into(), ..Inputs::default() },
        choices: choices.iter().map(ToString::to_string).collect(),
        answer: Some(answer),
        answers: Vec::new(),
        checker: None,
        criteria: None,
        meta: None,
        request: None,
    }
}

fn single(choices: &[&str], reference: &str, answer: &str) -> Mark {
    let item = item(ItemType::McqSingle, choices, Answer::One(reference.into()));
    mark(&Question::of(&item, &references(&item)), answer)
}

fn multi(references: &[&str], answer: &str) -> Mark {
    let references = references.iter().map(ToString::to_string).collect();
    let item = item(ItemType::McqMulti, CITIES, Answer::Many(references));
    mark(&Question::of(&item, &crate::question::references(&item)), answer)
}

/// Texts of 77 choices, whose last label is `BY`.
fn intents() -> Vec<String> {
    (0..77).map(|n| format!("intent {n}")).collect()
}

#[test]
fn labels_of_two_letters_are_read_and_words_are_not() {
    let choices = intents();
    let choices: Vec<_> = choices.iter().map(String::as_str).collect();
    let table = [
        ("AC", "AC"),
        ("**AC**", "AC"),
        ("AC. intent 28", "AC"),
        ("AC intent 28", "AC"),
        ("(AC)", "AC"),
        ("The answer is AC.", "AC"),
        ("Label AC", "AC"),
        ("Answer: AC", "AC"),
        ("I think it is option AC because of the card.", "AC"),
        ("intent 28", "AC"),
        ("b", "B"),
        ("BY", "BY"),
        // Words that would be labels in upper case, or are labels of no choice.
        ("as", "?"),
        ("at least", "?"),
        ("BE careful", "?"),
        ("OK", "?"),
        ("AC or AD", "?"),
    ];
    for (answer, want) in table {
        let mark = single(&choices, "AC", answer);
        assert_eq!(mark.extracted.as_deref().unwrap_or("?"), want, "{answer}");
        assert_eq!(mark.value == Some(1.0), want == "AC", "{answer}");
    }
}

#[test]
fn sets_of_labels_of_two_letters_are_read() {
    let item = Item {
        choices: intents(),
        ..item(ItemType::McqMulti, &[], Answer::Many(vec!["AC".into(), "B".into()]))
    };
    for answer in ["AC, B", "B and AC", "[\"AC\", \"B\"]", "The answers are AC and B."] {
        assert_eq!(mark(&Question::of(&item, &references(&item)), answer).value, Some(1.0), "{answer}");
    }
}

#[test]
fn one_choice_is_read() {
    let table = [
        ("B", "B"),
        ("b", "B"),
        ("(B)", "B"),
        ("B.", "B"),
        ("**B**", "B"),
        ("**B.** Rome", "B"),
        ("B) Rome", "B"),
        ("B: Rome", "B"),
        ("B Rome", "B"),
        ("Option B", "B"),
        ("Rome", "B"),
        ("rome.", "B"),
        ("The answer is B", "B"),
        ("The answer is (B).", "B"),
        ("The answer is B because it is the capital of Italy.", "B"),
        ("The answer is: **B**", "B"),
        ("The answer is option B.", "B"),
        ("The correct answer is Rome.", "B"),
        ("The answer is Rome, which is in Italy.", "B"),
        ("Answer: B. Rome", "B"),
        ("**Answer:** B", "B"),
        ("Answer:\nB", "B"),
        (r"$\boxed{B}$", "B"),
        (r"\boxed{\text{B}}", "B"),
        (r"\boxed{\textbf{(B)} Rome}", "B"),
        ("#### B", "B"),
        ("Let me think.\n\nB", "B"),
        ("I would go with B.", "B"),
        ("So it must be (B), as I said.", "B"),
        ("A: it is in France.\nB: it is in Italy.\nSo I choose B.", "B"),
        ("A: it is in France.\nB: it is in Italy.\nThe answer is B", "B"),
        ("The answer is A. No, the answer is B.", "B"),
        ("It was Rome all along", "B"),
        ("A", "A"),
        ("a", "A"),
        ("A.", "A"),
        ("A because it is in France", "A"),
        ("The answer is A", "A"),
        ("The answer is A.", "A"),
        ("The answer is A, Paris.", "A"),
        ("The answer is A - Paris", "A"),
        ("A Paris", "A"),
        ("I choose A.", "A"),
        ("A city in Spain", "D"),
        ("The answer is a city in Spain.", "D"),
        ("The answer is A city in Spain.", "D"),
    ];
    for (answer, want) in table {
        let mark = single(CITIES, want, answer);
        assert_eq!((mark.value, mark.extracted.as_deref()), (Some(1.0), Some(want)), "{answer}: {mark:?}");
    }
}

#[test]
fn an_answer_that_does_not_say_which_is_unscored() {
    let table = [
        "I do not know.",
        "A hard question",
        "The answer is a dog",
        "a dog",
        "B or C",
        "It is either B or C.",
        "I would say (B), or maybe (C)",
        "The answer is A or B",
        "The answer is A, B and C",
        "Paris or Rome",
        "A. Paris\nB. Rome\nC. Berlin",
        "E",
        "Because",
        "I think so",
        // Denials.
        "It isn't B",
        "Definitely not B.",
        "The answer cannot be B.",
        "The answer is not B.",
        "B is wrong.",
        "It is not Rome.",
        "A is wrong.\nC is wrong.",
        "Neither B nor C.",
        "Which of A or B is the best answer?",
    ];
    for answer in table {
        let mark = single(CITIES, "B", answer);
        assert_eq!(mark.value, None, "{answer}: {mark:?}");
        assert!(mark.detail.is_some(), "{answer}");
    }
}

/// Tests answers that name other choices too: denied, discussed or judged.
#[test]
fn one_of_several_that_are_named_is_read() {
    let table = [
        ("I think it's B, not C", "B"),
        ("It should be B, not A.", "B"),
        ("Not A but B.", "B"),
        ("A? No. B.", "B"),
        ("B rather than C.", "B"),
        ("I would say that B is the best answer.", "B"),
        ("(B) is the correct choice, since (A) is not in Italy.", "B"),
        ("A) wrong\nB) correct\nC) wrong", "B"),
        ("A. Paris - no\nB. Rome - yes\nC. Berlin - no", "B"),
        ("A. Paris ❌\nB. Rome ✅\nC. Berlin ❌", "B"),
        ("❌ A. Paris\n✅ B. Rome", "B"),
        ("B\n\nA is wrong.\nC is wrong.\nD is wrong.", "B"),
        ("**B. Rome**\n\n- A: it is in France\n- C: it is in Germany\n- D: it is in Spain", "B"),
        ("A is wrong, so B.", "B"),
        ("A, C and D are wrong, so it is B.", "B"),
        ("B\n\nA) Paris is in France\nC) Berlin is in Germany", "B"),
    ];
    for (answer, want) in table {
        let mark = single(CITIES, want, answer);
        assert_eq!((mark.value, mark.extracted.as_deref()), (Some(1.0), Some(want)), "{answer}: {mark:?}");
    }
}

#[test]
fn a_choice_is_read_in_every_wrapping() {
    let wrapped = [
        r#"{"answer": "B"}"#,
        r#"{"answer": "B", "why": "It is in Italy, as A is not."}"#,
        "```json\n{\"answer\": \"B\"}\n```",
        "<answer>B</answer>",
        "答案是B",
        "答案是B。",
        "答案：B",
        r"\(B\)",
        r"\boxed{\textrm{B}}",
        r"\boxed{\mathsf{B}}",
    ];
    for answer in wrapped {
        let mark = single(CITIES, "B", answer);
        assert_eq!((mark.value, mark.extracted.as_deref()), (Some(1.0), Some("B")), "{answer}: {mark:?}");
    }
}

#[test]
fn a_truth_value_is_not_its_denial() {
    assert_eq!(single(&["True", "False"], "A", "It is not true.").value, None);
    assert_eq!(single(&["True", "False"], "A", "It is true.").value, Some(1.0));
    assert_eq!(single(&["Yes", "No"], "B", "B. No").value, Some(1.0));
    assert_eq!(single(&["It is not safe", "It is safe"], "A", "It is not safe").value, Some(1.0));
}

#[test]
fn any_of_several_references_is_right_for_one_choice() {
    let item =
        Item { answers: vec!["Berlin".into()], ..item(ItemType::McqSingle, CITIES, Answer::One("A".into())) };
    let references = references(&item);
    let question = Question::of(&item, &references);
    for (answer, want) in [("A", 1.0), ("C", 1.0), ("B", 0.0)] {
        assert_eq!(mark(&question, answer).value, Some(want), "{answer}");
    }
}

#[test]
fn another_choice_is_wrong() {
    for answer in ["C", "Berlin", "The answer is A.", "the answer is c"] {
        assert_eq!(single(CITIES, "B", answer).value, Some(0.0), "{answer}");
    }
}

#[test]
fn the_reference_may_be_a_text_and_texts_are_above_letters() {
    assert_eq!(single(CITIES, "Rome", "B").value, Some(1.0));
    assert_eq!(single(&["B", "A"], "B", "B").extracted.as_deref(), Some("A"));
    assert_eq!(single(CITIES, "London", "B").value, None);
}

#[test]
fn a_choice_inside_another_is_not_the_other() {
    let lengths = ["10", "10 km", "100"];
    for (answer, want) in [("It is 10 km long", "B"), ("It is 100 long", "C"), ("It is 10 long", "A")] {
        assert_eq!(single(&lengths, want, answer).value, Some(1.0), "{answer}");
    }
}

#[test]
fn a_set_is_marked_with_f1() {
    let table = [
        ("A, C", Some(1.0)),
        ("A and C", Some(1.0)),
        ("(A) and (C)", Some(1.0)),
        ("AC", Some(1.0)),
        ("C, A", Some(1.0)),
        (r#"["A", "C"]"#, Some(1.0)),
        (r#"["Paris", "Berlin"]"#, Some(1.0)),
        ("The answers are A and C.", Some(1.0)),
        ("The correct answers are: **A**, **C**", Some(1.0)),
        ("Both A and C are correct", Some(1.0)),
        ("Answer: Paris, Berlin", Some(1.0)),
        ("Paris and Berlin", Some(1.0)),
        ("A. Paris\nC. Berlin", Some(1.0)),
        ("- A) Paris\n- C) Berlin\n", Some(1.0)),
        ("I would say Paris as well as Berlin", Some(1.0)),
        (r"\boxed{A, C}", Some(1.0)),
        ("A C", Some(1.0)),
        ("The correct options are A and C", Some(1.0)),
        ("A and C, not B", Some(1.0)),
        ("1. A\n2. C", Some(1.0)),
        ("A: correct\nB: incorrect\nC: correct\nD: incorrect", Some(1.0)),
        (r#"{"answer": ["A", "C"]}"#, Some(1.0)),
        ("A, B, and C", Some(2.0 * 2.0 / 5.0)),
        ("A", Some(2.0 / 3.0)),
        ("B", Some(0.0)),
        ("I do not know", None),
    ];
    for (answer, want) in table {
        let mark = multi(&["A", "C"], answer);
        assert_eq!(mark.value, want, "{answer}: {mark:?}");
    }
}

#[test]
fn a_reference_set_may_be_written_in_one() {
    assert_eq!(multi(&["A, C"], "A and C").value, Some(1.0));
    assert_eq!(multi(&["Paris", "Berlin"], "C, A").extracted.as_deref(), Some("A, C"));
    assert_eq!(multi(&["A", "Z"], "A").value, None);
}

proptest! {
    #[test]
    fn a_letter_is_read_however_it_is_dressed(choice in 0..4_usize, before in "[(*\"]?", after in "[).*\":]?") {
        let letter = choice_label(choice);
        let answer = format!("{before}{letter}{after}");
        prop_assert_eq!(single(CITIES, &letter, &answer).value, Some(1.0), "{}", answer);
    }

    #[test]
    fn f1_is_a_fair_measure(a: BTreeSet<u8>, b: BTreeSet<u8>) {
        let set = |set: &BTreeSet<u8>| set.iter().map(|n| usize::from(*n)).collect::<Set>();
        let (a, b) = (set(&a), set(&b));
        let value = f1(&a, &b);
        prop_assert!((0.0..=1.0).contains(&value));
        prop_assert!((value - f1(&b, &a)).abs() < f64::EPSILON, "the same from both sides");
        prop_assert_eq!(value >= 1.0, a == b);
    }

    #[test]
    fn no_text_is_too_odd(answer in any::<String>()) {
        single(CITIES, "B", &answer);
        multi(&["A", "C"], &answer);
    }
}

#[test]
fn the_mark_of_a_reply_is_no_letter() {
    let table = [
        ("A: I'm sorry, but I cannot say.", "A", None),
        ("A: The capital of Italy is Rome.", "B", Some(1.0)),
        ("A: Paris", "A", Some(1.0)),
        ("A:", "A", Some(1.0)),
        ("B: I am sure.", "B", Some(1.0)),
        ("Answer: A", "A", Some(1.0)),
        ("A: correct\nB: incorrect", "A", Some(1.0)),
    ];
    for (answer, reference, want) in table {
        assert_eq!(single(CITIES, reference, answer).value, want, "{answer}");
    }
}

#[test]
fn the_letter_of_one_choice_with_the_text_of_another_names_none() {
    let table = [
        ("A) Rome", None),
        ("The answer is: C) Rome.", None),
        ("**A) Rome**", None),
        ("B) Rome", Some(1.0)),
        ("A) Rome is wrong.\nThe answer is B.", Some(1.0)),
        ("Answer: A) The capital of France", Some(0.0)),
    ];
    for (answer, want) in table {
        assert_eq!(single(CITIES, "B", answer).value, want, "{answer}");
    }
}
