use std::io::Cursor;

use runmill_proto::{Answer, Item, ItemType, TurnRole};

use crate::{Items, Mapping, Options, ReadError, Source};

fn read_with(text: &str, map: Option<&str>, used: &[&str]) -> Result<Vec<Item>, ReadError> {
    let map = map.map(Mapping::parse).transpose()?;
    let used = used.iter().map(|name| (*name).to_owned()).collect();
    let source = Source::read(Cursor::new(text.to_owned().into_bytes()))?;
    let items = Items::of(source, Options { map, used, ..Options::default() })?;
    items.map(|read| Ok(read?.item)).collect()
}

/// Reads the first item of a file, without `--map` if `map` is empty.
fn item(map: &str, text: &str) -> Item {
    match read_with(text, Some(map).filter(|map| !map.is_empty()), &[]) {
        Ok(mut items) => items.remove(0),
        Err(error) => panic!("{text}: {error}"),
    }
}

fn fault(map: &str, text: &str) -> String {
    match read_with(text, Some(map).filter(|map| !map.is_empty()), &[]) {
        Ok(items) => panic!("{text}: {items:?}"),
        Err(error) => error.to_string(),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with the answer of an item")]
fn one(text: &str) -> Option<Answer> {
    Some(Answer::One(text.to_owned()))
}

#[test]
fn nothing_but_a_text_is_asked() {
    let table = [
        (r#"{"q":null}"#, "line 1: `q` is null or an empty cell, and a question must be a text"),
        (r#"{"q":[]}"#, "line 1: `q` is an empty list"),
        (r#"{"q":""}"#, "line 1: `q` is empty"),
        (r#"{"q":NaN}"#, "line 1: `q` is NaN"),
        (r#"{"q":{"a":1}}"#, "line 1: `q` is an object"),
        ("q,a\nx,1\n,2\n", "line 3: `q` is null"),
        (r#"{"q":{"0":"6 x 7?","1":"?"},"a":{"0":"42"}}"#, "which pandas' df.to_json() writes by default"),
    ];
    for (text, want) in table {
        let fault = fault("question=q", text);
        assert!(fault.contains(want), "{fault}");
    }
    for text in ["{\"q\":\"x\",\"unused\":NaN}", "{\"q\":\"x\",\"unused\":null}"] {
        assert_eq!(item("question=q", text).inputs.text, "x");
    }
}

#[test]
fn ids_choices_and_references_are_texts_too() {
    let table = [
        (
            "question=q,id=id",
            r#"{"q":"?","id":null}"#,
            "line 1: `id` is null or an empty cell, and an id must be a text",
        ),
        ("question=q,choices=c", r#"{"q":"?","c":["x",null,"y"]}"#, "line 1: `c`: choice 2 is null"),
        (
            "question=q,choices=c",
            r#"{"q":"?","c":"['3' '4"}"#,
            "`c` is a text; choices are a list, a JSON or Python",
        ),
        (
            "question=q,answer=a",
            r#"{"q":"?","a":{"value":"4"}}"#,
            "line 1: `a` is an object, and a reference must",
        ),
        (
            "question=q,choices=c",
            r#"{"q":"?","choices":["x","y"]}"#,
            "it has no field `c`; its fields are q, choices",
        ),
        ("question=q,answer=label", r#"{"q":"?","x":1}"#, "it has no field `label`; its fields are q, x"),
        (
            "question=q,choices=c",
            "q,c\n?,only\n",
            "`choices` is empty, and type mcq_single needs at least two",
        ),
    ];
    for (map, text, want) in table {
        let fault = fault(map, text);
        assert!(fault.contains(want), "{fault}");
    }
}

#[test]
fn a_list_of_messages_is_the_conversation() {
    let messages = r#"[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"6 x 7?"}]}]"#;
    let csv = format!("m\n\"{}\"\n", messages.replace('"', "\"\""));
    let python =
        "m\n\"[{'role': 'system', 'content': 'Be brief.'}, {'role': 'user', 'content': '6 x 7?'}]\"\n";
    for text in [&format!("{{\"m\":{messages}}}"), &csv, python] {
        let item = item("question=m", text);
        assert_eq!(item.inputs.text, "6 x 7?");
        let [system] = item.inputs.messages.as_slice() else { panic!("{item:?}") };
        assert_eq!((system.role, system.content.as_str()), (TurnRole::System, "Be brief."));
    }
    for (messages, want) in [
        (
            r#"[{"role":"user","content":"?"},{"role":"assistant","content":"!"}]"#,
            "must end with a message of the user",
        ),
        (r#"[{"role":"tool","content":"?"}]"#, "message 1 has the role `tool`"),
        (r#"[{"role":"user"}]"#, "message 1 has no role and content"),
        (r#"[{"role":"user","content":[{"type":"image_url"}]}]"#, "message 1 has a content that is no text"),
    ] {
        let fault = fault("question=m", &format!("{{\"m\":{messages}}}"));
        assert!(fault.contains(want), "{fault}");
    }
}

#[test]
fn numbers_keep_the_text_of_the_file() {
    for number in ["5.10", "123456789012345678901234567890", "100000000000000000000"] {
        for text in [
            format!("{{\"q\":\"?\",\"a\":{number},\"id\":{number}}}"),
            format!("q,a,id\n?,{number},{number}\n"),
        ] {
            let item = item("question=q,answer=a,id=id", &text);
            assert_eq!(
                (item.answer, item.id.as_str(), item.answers.len()),
                (one(number), number, 0),
                "{text}"
            );
        }
    }
    for (written, plain) in [("42.0", "42"), ("1e20", "100000000000000000000")] {
        let item = item("question=q,answer=a", &format!("{{\"q\":\"?\",\"a\":{written}}}"));
        assert_eq!((item.answer, item.answers), (one(written), vec![plain.to_owned()]), "{written}");
    }
}

#[test]
fn a_value_means_the_same_in_every_format() {
    let choices =
        [r#"["red","blue"]"#, "red|blue", "['red', 'blue']", "['red' 'blue']", r#"{"text":["red","blue"]}"#];
    for (answer, label) in [("1", "B"), ("1.0", "B"), ("0", "A"), ("blue", "B"), ("B", "B")] {
        for choices in choices {
            let csv = format!("q,c,a\n?,\"{}\",{answer}\n", choices.replace('"', "\"\""));
            let list = format!(r#"{{"q":"?","c":{},"a":"{answer}"}}"#, r#"["red","blue"]"#);
            for text in [csv, list] {
                let item = item("question=q,choices=c,answer=a", &text);
                assert_eq!((item.choices.join(" "), item.answer), ("red blue".into(), one(label)), "{text}");
            }
        }
        if answer.starts_with(['0', '1']) {
            let number = format!(r#"{{"q":"?","c":["red","blue"],"a":{answer}}}"#);
            assert_eq!(item("question=q,choices=c,answer=a", &number).answer, one(label));
        }
    }
    let squares = ["{\"q\":\"?\",\"c\":[\"1\",\"4\",\"9\",\"16\"],\"a\":1}", "q,c,a\n?,1|4|9|16,1\n"];
    for text in squares {
        let open = fault("question=q,choices=c,answer=a", text);
        assert!(
            open.contains("`a`: `1` can be the text of choice A or the place from 0 of choice B; say which"),
            "{open}"
        );
        for (reading, label) in [("index0", "B"), ("index1", "A"), ("text", "A")] {
            let map = format!("question=q,choices=c,answer=a:{reading}");
            assert_eq!(item(&map, text).answer, one(label), "{reading}");
        }
    }
    let both = ["{\"q\":\"?\",\"c\":[\"a\",\"b\",\"c\"],\"a\":[0,2]}", "q,c,a\n?,a|b|c,\"[0, 2]\"\n"];
    for text in both {
        let item = item("question=q,choices=c,answer=a", text);
        assert_eq!(
            (item.item_type, item.answer),
            (ItemType::McqMulti, Some(Answer::Many(vec!["A".into(), "C".into()])))
        );
    }
}

#[test]
fn every_choice_has_a_place_also_after_the_26th() {
    let choices: Vec<_> = (0..30).map(|n| format!("label {n}")).collect();
    for (place, want) in [(25, Some("Z")), (28, Some("AC")), (29, Some("AD")), (30, None)] {
        let text = serde_json::json!({"q": "?", "a": place, "c": choices}).to_string();
        let read = read_with(&text, Some("question=q,answer=a,choices=c"), &[]);
        let label = read.ok().and_then(|items| items[0].answer.clone());
        assert_eq!(label, want.and_then(one), "{place}");
    }
}

#[test]
fn of_several_references_any_is_right() {
    let table = [
        (r#"{"q":"?","a":["Paris","the city of Paris"]}"#),
        (r#"{"q":"?","a":{"text":["Paris","the city of Paris"],"answer_start":[1,2]}}"#),
        "q,a\n?,\"['Paris', 'the city of Paris']\"\n",
        "q,a\n?,\"{'text': array(['Paris', 'the city of Paris'], dtype=object), 'answer_start': array([1, 2])}\"\n",
    ];
    for text in table {
        let item = item("question=q,answer=a", text);
        assert_eq!(
            (item.answer, item.answers),
            (one("Paris"), vec!["the city of Paris".to_owned()]),
            "{text}"
        );
    }
    assert_eq!(item("question=q,answer=a", r#"{"q":"?","a":null}"#).answer, None);
    assert_eq!(item("question=q,answer=a", "q,a\n?,\"[1, 2]\"\n").answer, one("[1, 2]"));
}

#[test]
fn choices_stand_in_columns_of_their_own_and_in_objects() {
    let item_of = |map: &str| item(map, "q,A,B,C,a\n?,red,blue,,B\n");
    let lettered = item_of("question=q,choices=A|B|C,answer=a:letter");
    assert_eq!((lettered.choices.join(" "), lettered.answer), ("red blue".into(), one("B")));
    let objects = r#"{"q":"?","c":[{"label":"A","text":"up"},{"label":"B","text":"down"}],"a":"B"}"#;
    let objects = item("question=q,choices=c,answer=a", objects);
    assert_eq!((objects.choices.join(" "), objects.answer), ("up down".into(), one("B")));
    let nested = r#"{"q":"?","c":{"text":["up","down"],"label":["1","2"]},"a":"2"}"#;
    assert_eq!(item("question=q,choices=c,answer=a", nested).answer, one("B"));
    assert_eq!(item("question=q,choices=c.text,answer=a:index1", nested).answer, one("B"));
}

#[test]
fn names_with_commas_blanks_and_equals_signs_are_mapped() {
    let item = item(
        "question=\"question, text\",answer=review score",
        "\"question, text\", review score \n?,good\n",
    );
    assert_eq!((item.inputs.text.as_str(), item.answer), ("?", one("good")));
    for map in ["question=q=1,answer=a", "question=\"q=1\",answer=a"] {
        assert_eq!(self::item(map, "q=1,a\n?,2\n").inputs.text, "?", "{map}");
    }
}

#[test]
fn the_fields_of_a_template_stay_in_meta() {
    let read = |used: &[&str]| {
        read_with("review,sentiment,other\nfine,good,x\n", Some("question=review,answer=sentiment"), used)
    };
    assert_eq!(read(&[]).unwrap()[0].meta, Some(serde_json::json!({"other": "x"})));
    assert_eq!(read(&["review"]).unwrap()[0].meta, Some(serde_json::json!({"review": "fine", "other": "x"})));
    let alone = read_with("review,sentiment\nfine,good\n", None, &["review"]).unwrap();
    assert_eq!((alone[0].inputs.text.as_str(), &alone[0].answer), ("fine", &None));
}

#[test]
fn ids_do_not_hang_on_the_file() {
    for text in ["q\n?\n!\n", "{\"q\":\"?\"}\n\n{\"q\":\"!\"}\n", "[{\"q\":\"?\"},{\"q\":\"!\"}]"] {
        let items = read_with(text, Some("question=q"), &[]).unwrap();
        assert_eq!(items.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["row-1", "row-2"]);
    }
}

#[test]
fn a_file_that_is_not_recognised_names_its_fields() {
    assert_eq!(
        fault("", "prompt,target\n?,x\n"),
        "the fields are prompt, target; say what they are, as in --map question=prompt,answer=FIELD"
    );
    let promptfoo = "country,year,__expected\nFrance,1800,Napoleon\n";
    assert!(fault("", promptfoo).starts_with("promptfoo's variables are country, year; say which"));
    assert_eq!(read_with(promptfoo, None, &["year"]).unwrap()[0].answer, one("Napoleon"));
}
