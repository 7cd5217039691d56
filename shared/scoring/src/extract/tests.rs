use super::*;

#[test]
fn an_answer_is_found_where_it_says_it_is() {
    let table = [
        (r"So $x = \boxed{\frac{1}{2}}$. Done.", r"\frac{1}{2}"),
        (r"\boxed{1} no, \boxed{2}", "2"),
        (r"\boxed{1} and \boxed{2", "1"),
        ("He has 3 left.\n#### 3\n", "3"),
        ("The answer is Paris.", "Paris."),
        ("I think the answer is: Paris", "Paris"),
        ("**Answer:** Paris", "Paris"),
        ("**Answer**: Paris", "Paris"),
        ("Final Answer:\n\nParis\nAnd more.", "Paris"),
        ("### Final Answer\n\nParis\n", "Paris"),
        ("The answer is Rome. No: the answer is Paris", "Paris"),
        ("The correct answers are A and C", "A and C"),
        ("The correct options are A and C", "A and C"),
        (r"The answer is 5. \boxed{6}", "6"),
        ("The answer, of course, is Paris.", "Paris."),
        ("The answer is, of course, Paris.", "Paris."),
        ("The answer to the question is Paris.", "Paris."),
        ("答案是12。", "12。"),
        ("答案：B", "B"),
        ("<answer>\nParis\n</answer>", "Paris"),
        ("<final_answer>Paris", "Paris"),
        (r#"{"answer": "Paris", "why": "It is."}"#, "Paris"),
        (r#"{"why": {"answer": "no"}, "final_answer": 18}"#, "18"),
        ("```json\n{\"answer\": [\"A\", \"C\"]}\n```", "A, C"),
        (r#"Here it is: {"answer": "Paris"}"#, "Paris"),
        ("#### Answer: 18", "18"),
        ("The answer is not Rome but Paris", "Paris"),
        ("Is the answer Rome? The answer is Rome? I say that Paris is the answer.", "I say that Paris"),
        ("The answer is 18. If your answer is not, see above", "18. If your answer is not, see above"),
    ];
    for (answer, want) in table {
        assert_eq!(extract(answer), Found::Marked(want.into()), "{answer}");
    }
}

#[test]
fn without_a_mark_it_is_the_last_line() {
    let table = [
        ("Let me think.\nParis.\n\n", "Paris."),
        ("```\nParis\n```", "Paris"),
        ("I cannot answer this", "I cannot answer this"),
        (r"\boxed{never closed", r"\boxed{never closed"),
        ("####", "####"),
        ("", ""),
        ("#### Step 1\nThink.\nParis", "Paris"),
        ("Paris\n\nWould you like to know more?", "Paris"),
        ("Paris\nConfidence: 95%", "Paris"),
        ("What do you mean?", "What do you mean?"),
        ("This is the answer", "This is the answer"),
        (r#"{"city": "Paris"}"#, r#"{"city": "Paris"}"#),
    ];
    for (answer, want) in table {
        assert_eq!(extract(answer), Found::LastLine(want), "{answer}");
    }
}
