use super::*;

#[test]
fn a_prompt_is_one_message_of_the_user() {
    for prompt in [json!("hi"), json!(["hi"])] {
        let asked = asked(Endpoint::Completions, json!({"prompt": prompt, "max_tokens": 3})).unwrap();
        assert_eq!(asked.conversation.messages, [text(Role::User, "hi")]);
        assert_eq!(asked.conversation.generation.max_new_tokens, Some(3));
    }
}

#[test]
fn log_probabilities_are_asked_for_by_their_number() {
    let table = [
        (json!(null), None, None),
        (json!(false), None, None),
        (json!(0), Some(true), None),
        (json!(3), Some(true), Some(3)),
    ];
    for (count, wanted, top) in table {
        let generation =
            asked(Endpoint::Completions, json!({"logprobs": count})).unwrap().conversation.generation;
        assert_eq!((generation.logprobs, generation.top_logprobs), (wanted, top));
    }
}

#[test]
fn what_has_no_effect_is_taken() {
    let table: [(Value, &[&str]); 2] = [
        (json!({"echo": false, "suffix": "", "best_of": 1, "stop": []}), &[]),
        (json!({"user": "me", "x": 1}), &["user", "x"]),
    ];
    assert_ignored(Endpoint::Completions, table);
}

#[test]
fn what_cannot_be_translated_is_refused() {
    let table = [
        (json!({"prompt": null}), "prompt"),
        (json!({"prompt": []}), "prompt"),
        (json!({"prompt": ["a", "b"]}), "prompt"),
        (json!({"prompt": [1, 2]}), "prompt"),
        (json!({"prompt": [[1, 2]]}), "prompt"),
        (json!({"prompt": 7}), "prompt"),
        (json!({"echo": true}), "echo"),
        (json!({"suffix": "x"}), "suffix"),
        (json!({"best_of": 2}), "best_of"),
        (json!({"logprobs": 21}), "top_logprobs"),
        (json!({"logprobs": true}), "logprobs"),
    ];
    assert_refused(Endpoint::Completions, table);
}
