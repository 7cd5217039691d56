use proptest::prelude::*;

use super::*;

fn value(reference: &str, tolerance: Option<f64>, answer: &str) -> Option<f64> {
    mark(&[reference.to_owned()], tolerance, answer).value
}

fn check(table: &[(&str, &str, Option<f64>)]) {
    let wrong =
        |(reference, answer, want): &&(&str, &str, Option<f64>)| value(reference, None, answer) != *want;
    let faults: Vec<_> = table.iter().filter(wrong).map(|row| (row, given(row.1))).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn answers() {
    check(&[
        ("18", "18", Some(1.0)),
        ("18", "#### 18", Some(1.0)),
        ("18", "She has 16 - 3 - 4 = 9 eggs, so 9 * 2 = $18 every day.", Some(1.0)),
        ("18", "The answer is $18.00.", Some(1.0)),
        ("18", "The answer is 18 (of 25).", Some(1.0)),
        ("18", "The answer is 9 * 2 = 18 dollars at 2 each", Some(1.0)),
        ("18", r"Therefore \boxed{18} dollars, with 7 to spare.", Some(1.0)),
        ("18", "The answer is clear: 18", Some(1.0)),
        ("18", "The answer follows.\n\n9 * 2 = 18", Some(1.0)),
        ("18", "**18**", Some(1.0)),
        ("18", "17", Some(0.0)),
        ("18", "180", Some(0.0)),
        ("18", "I do not know", None),
        ("1,450", "1450", Some(1.0)),
        ("-3", "x = -3", Some(1.0)),
        ("-3", "3", Some(0.0)),
        ("0.5", "1/2", Some(1.0)),
        ("0.5", r"\boxed{\frac{1}{2}}", Some(1.0)),
        ("45%", "0.45", Some(1.0)),
        ("0.45", "45%", Some(1.0)),
        ("45", "45%", Some(1.0)),
        ("45%", "0.45%", Some(0.0)),
        ("Half of 36.\n#### 18", "18", Some(1.0)),
        ("eighteen", "18", None),
    ]);
}

#[test]
fn a_heading_is_no_answer() {
    check(&[
        ("42", "#### Step 1\n6 × 7 = 42\n\nThe answer is 42.", Some(1.0)),
        ("42", "#### Step 1\n3 + 3 = 6\n#### Step 2\n6 × 7\n\n**42**", Some(1.0)),
        ("42", "#### 1. Multiply\n6 × 7 = 42", Some(1.0)),
        ("42", "#### 42\nThis took 2 steps.", Some(1.0)),
        ("42", "### Final Answer\n\n42", Some(1.0)),
    ]);
}

#[test]
fn a_remark_behind_the_answer_is_no_answer() {
    check(&[
        ("42", "The answer is 42 because x = 6.", Some(1.0)),
        ("42", "**Answer:** 42 (with n = 6)", Some(1.0)),
        ("18", "The answer is 18 = 9 * 2.", Some(1.0)),
        ("42", "The answer is, after 3 steps, 42.", Some(1.0)),
        ("42", "The answer is rounded to 2 decimals: 42.00", Some(1.0)),
        ("42", "The answer is: 40 + 2 → 42", Some(1.0)),
        ("42", "If your answer is above 40, it is right: 42", Some(1.0)),
        ("42", "The answer is 40 + 2", None),
        ("18", "**Answer: 18**\n\nWould you like me to explain the 3 steps?", Some(1.0)),
        ("18", "**Answer: 18**\n\nReasons:\n1. 16 - 3 = 13\n2. 9 * 2 = 18, for 5 days", Some(1.0)),
    ]);
}

#[test]
fn a_denial_and_a_hedge_are_heard() {
    check(&[
        ("18", "The answer is not 20 but 18.", Some(1.0)),
        ("20", "The answer is not 20 but 18.", Some(0.0)),
        ("20", "The answer is not 20.", None),
        ("20", "It isn't 20.", None),
        ("18", "17 or 18", None),
        ("18", "18 or 19", None),
        ("18", "The answer is 17 or 18.", None),
        ("18", "The answer is either 17 or 18 eggs.", None),
        ("18", "The answer is between 17 and 19.", None),
        ("18", "The answer is 17-18", None),
        ("0.5", "The answer is 1/2 or 0.5", Some(1.0)),
        ("2", "I cannot answer this, since the question lacks 2 pieces of information", None),
        ("18", "The answer is about 18.", Some(1.0)),
        ("18", "The answer is 20? No. She makes 18.", Some(1.0)),
    ]);
}

/// Tests quantities of two numbers, of which neither is the answer.
#[test]
fn a_compound_quantity_is_no_single_number() {
    check(&[
        ("1.5", "1 hour and 30 minutes (1.5 hours)", Some(1.0)),
        ("1.5", "It takes 1 hour and 30 minutes, or 1.5 hours.", Some(1.0)),
        ("90", "The answer is 1 hour 30 minutes = 90 minutes.", Some(1.0)),
        ("5.30", "The answer is 5 dollars and 30 cents, i.e. $5.30", Some(1.0)),
        ("30", "1 hour and 30 minutes (1.5 hours)", Some(0.0)),
        ("90", "It takes 1 hour and 30 minutes.", None),
        ("1", "The answer is 1 hour and 30 minutes.", None),
        ("5", "She is 5 feet 3 inches tall.", None),
        ("3", "It takes 1 day, 2 hours and 3 minutes", None),
        ("30", "After 1 hour, she had 30 apples.", Some(1.0)),
        ("30", "He needs 1 hour and 30 dollars.", Some(1.0)),
        ("1.5", "1.5 hours (1 hour and 30 minutes)", Some(1.0)),
    ]);
}

#[test]
fn a_check_of_the_result_is_no_result() {
    check(&[
        ("42", "Step 1: 6*7=42\nStep 2: check 42/7=6", Some(1.0)),
        ("18", "She makes 9 * 2 = 18 dollars.\nLet's check: 18 / 2 = 9.", Some(1.0)),
        ("18", "She makes 18 dollars.\nTo verify, 18 / 2 = 9.", Some(1.0)),
        ("18", "She makes 18 dollars. We can verify that 18 - 9 = 9.", Some(1.0)),
        ("6", "Check: 42 / 7 = 6", Some(1.0)),
        ("42", "The cheque of 2 days.\nChecks of $42 are paid.", Some(1.0)),
        ("42", "After 2 days.\nCheck amount: $42", Some(1.0)),
    ]);
}

#[test]
fn the_strength_of_marks_decides() {
    check(&[
        ("18", r"The answer is 17. \boxed{18}", Some(1.0)),
        ("18", "<answer>18</answer> The answer is 17 at first.", Some(1.0)),
        ("18", r#"{"steps": 3, "answer": "18", "confidence": 0.9}"#, Some(1.0)),
        ("18", r#"{"answer": 18}"#, Some(1.0)),
        ("18", "The answer is **18**, of 25.", Some(1.0)),
        ("18", "She makes **18** dollars in 5 days", Some(1.0)),
        ("18", "18\nConfidence: 95%", Some(1.0)),
        ("18", "**18**\nShall I explain the 3 steps?", Some(1.0)),
        ("18", "Janet makes $18 every day [1].", Some(1.0)),
        ("64", "Kylar needs to pay $64 for 16 glasses.", Some(1.0)),
        ("12", "She bought 3 apples for $12.", Some(1.0)),
        ("42", "Thus 42 is my final answer. Confidence: 95%", Some(1.0)),
        ("18", "Answer: 18\nConfidence: 95%", Some(1.0)),
    ]);
}

/// Tests answers in plain prose, whose number only its place in the sentence tells.
#[test]
fn a_sentence_is_read() {
    check(&[
        ("18", "1. 16 eggs\n2. minus 3\n3. minus 4\n\nTotal = 9 × $2 = $18", Some(1.0)),
        ("18", "The answer is: 16 - 7 = 9 eggs; 9 × 2 = 18 dollars", Some(1.0)),
        ("3", "So 2 * 3 = 6 and she makes $3 every day.", Some(1.0)),
        ("24", "So 2 * 3 = 6 and then Kylar needs 24 glasses.", Some(1.0)),
        ("18", "The total is 9 * 2 = 18 dollars and 3 of them are left.", Some(1.0)),
        ("5", "There are 5 people, i.e., 2 + 3.", Some(1.0)),
        ("42", "So, 42 it is.\n\n---\n*Let me know if you have 2 or more questions!*", Some(1.0)),
        ("42", "I hope this helps! The total is 42.\n\nNote: I assumed 7 days in a week.", Some(1.0)),
        ("42", "She has 42 apples left after giving away 8 apples to 3 friends.", Some(1.0)),
        ("42", "It costs $42 to buy 6 books at $7 each.", Some(1.0)),
        ("42", "**42**\n\n**Explanation:** 6 boxes with **7** each.", Some(1.0)),
        ("15", "15 is the sum of 7 and 8.", Some(1.0)),
        ("15", "The sum of 7 and 8 is 15", Some(1.0)),
        ("45", "Total distance: 180 + 15 = 195. So he is 240 - 195 = 45 miles from home.", Some(1.0)),
        ("3", "Therefore there are 3 possible values (2, 4 and 8).", Some(1.0)),
        ("5", "Wait, no. The answer is not 6; it is 5.", Some(1.0)),
        ("5", "The answer isn't 6. It's 5.", Some(1.0)),
        ("42", "したがって、答えは42です。", Some(1.0)),
        ("42", "答：一共有42个。", Some(1.0)),
    ]);
}

#[test]
fn numbers_of_the_world() {
    check(&[
        ("1234567", "The answer is 1 234 567.", Some(1.0)),
        ("1234567", "1'234'567", Some(1.0)),
        ("1234567", "1_234_567", Some(1.0)),
        ("100000", "1,00,000", Some(1.0)),
        ("3.5", "3,5", Some(1.0)),
        ("1234.5", "1.234,50", Some(1.0)),
        ("1000", "10^3", Some(1.0)),
        ("1000", "10³", Some(1.0)),
        ("1000", "10**3", Some(1.0)),
        ("1000", "1k", Some(1.0)),
        ("0.000012", "1.2 × 10⁻⁵", Some(1.0)),
        ("1500000", "$1.5M", Some(1.0)),
        ("1500000", "1.5 million", Some(1.0)),
        ("5", "5 m^2", Some(1.0)),
        ("25", "25 m/s^2", Some(1.0)),
        ("12", "答案是12。", Some(1.0)),
        ("12", "１２", Some(1.0)),
        ("12", "١٢", Some(1.0)),
        ("-5", "- 5", Some(1.0)),
        ("-5", "x = - 5", Some(1.0)),
        ("-5", "The answer is minus 5.", Some(1.0)),
        ("-5", "($5)", Some(1.0)),
        ("-5", "﹣5", Some(1.0)),
        ("-0.5", r"\frac{-1}{2}", Some(1.0)),
        ("0.75", r"\boxed{\cfrac{3}{4}}", Some(1.0)),
        ("2.5", r"The answer is $2\tfrac12$.", Some(1.0)),
        ("0.75", "3÷4", Some(1.0)),
    ]);
}

#[test]
fn equality_is_relative_and_exact_for_integers() {
    check(&[
        ("0.0000001", "0.0000009", Some(0.0)),
        ("1.2e-5", "0.000013", Some(0.0)),
        ("9007199254740993", "9007199254740992", Some(0.0)),
        ("9007199254740993", "9,007,199,254,740,993", Some(1.0)),
        ("1/3", "0.333333", Some(1.0)),
        ("1000000", "1000000.5", Some(0.0)),
        ("18", "18.0000000001", Some(1.0)),
    ]);
    let long = mark(&["12345678901234567890".into()], None, "12345678901234567890");
    assert_eq!(long.extracted.as_deref(), Some("12345678901234567890"));
}

#[test]
fn a_tolerance_is_absolute_and_includes_its_end() {
    let table =
        [(None, "3.1416", 0.0), (Some(0.5), "3.5", 1.0), (Some(0.5), "3.6", 0.0), (Some(0.0), "3.0", 1.0)];
    for (tolerance, answer, want) in table {
        let reference = if tolerance.is_none() { "3.14159" } else { "3" };
        assert_eq!(value(reference, tolerance, answer), Some(want), "{tolerance:?} {answer}");
    }
}

#[test]
fn any_of_several_references_is_right() {
    let references = ["17".to_owned(), "18".to_owned()];
    assert_eq!(mark(&references, None, "The answer is 18.").value, Some(1.0));
    assert_eq!(mark(&references, None, "The answer is 19.").value, Some(0.0));
}

proptest! {
    #[test]
    fn a_number_equals_itself_however_it_is_said(value in -1e9..1e9_f64) {
        for answer in [format!("{value}"), format!("The answer is {value}."), format!("{value:e}")] {
            let got = mark(&[value.to_string()], None, &answer).value;
            prop_assert_eq!(got, Some(1.0), "{}", answer);
        }
    }

    #[test]
    fn no_text_is_too_odd(answer in "(answer is |or |not |\\$|\\*\\*|=|[0-9., :-]|\\\\boxed\\{|\\PC){0,30}") {
        mark(&["18".into()], None, &answer);
    }
}
