//! Styles in which models give a number.

type Style = fn(&str) -> String;

pub const STYLES: [(&str, Style); 25] = [
    ("number alone", |n| n.to_owned()),
    ("#### n", |n| format!("She sells 9 eggs for 2 dollars each.\n#### {n}")),
    ("The answer is n.", |n| format!("She sells 9 eggs for 2 dollars each. The answer is {n}.")),
    ("final answer and hope", |n| {
        format!("We add 4 and 3.\nFinal Answer: The final answer is ${n}$. I hope it is correct.")
    }),
    ("bold at the end", |n| format!("She has 9 eggs left, at 2 dollars each. So she makes **{n}**.")),
    ("### Final Answer", |n| format!("### Step 1\n16 - 7 = 9\n\n### Final Answer\n\n{n}")),
    ("with its unit", |n| format!("She sells 9 eggs at 2 dollars each.\n\nShe makes ${n} per day.")),
    ("aligned equations", |n| {
        format!("\\begin{{aligned}} x &= 16 - 7 \\\\ &= 9 \\\\ y &= {n} \\end{{aligned}}")
    }),
    ("chain of equations", |n| format!("16 - 3 - 4 = 9 eggs, and 9 * 2 = {n}")),
    ("boxed", |n| format!("She has 9 eggs.\n\n\\[\\boxed{{{n}}}\\]\n\nThat took 2 steps.")),
    ("boxed with a currency", |n| format!("She has 9 eggs, so $\\boxed{{\\${n}}}$.")),
    ("answer in bold, then an offer", |n| {
        format!("**Answer: {n}**\n\nWould you like me to explain the 3 steps?")
    }),
    ("answer in bold, then reasons", |n| {
        format!("**Answer: {n}**\n\n- She has 16 eggs.\n- She eats 3 and bakes with 4, so 9 are left.")
    }),
    ("tag", |n| format!("She has 9 eggs left.\n<answer>{n}</answer>")),
    ("JSON", |n| format!(r#"{{"answer": "{n}"}}"#)),
    ("JSON with confidence", |n| format!(r#"{{"answer": "{n}", "confidence": 0.9}}"#)),
    ("answer, then confidence", |n| format!("Answer: {n}\nConfidence: 95%")),
    ("number, then confidence", |n| format!("{n}\nConfidence: 95%")),
    ("headings of steps, then the answer is", |n| {
        format!("#### Step 1\n16 - 7 = 9\n\n#### Step 2\n9 * 2\n\nThe answer is **{n}**.")
    }),
    ("headings of steps, then bold", |n| format!("#### Step 1\n16 - 7 = 9\n\n#### Step 2\n9 * 2\n\n**{n}**")),
    ("thinking with a phrase", |n| {
        format!("<think>Is the answer is 7? The answer is 7? Wait.</think>\n\nShe makes {n} dollars.")
    }),
    ("thinking with a box", |n| format!("<think>\\boxed{{7}}, or is it?</think>\n\nAnswer: {n}")),
    ("the answer, because", |n| format!("The answer is {n} because x = 7 and y = 2.")),
    ("a sentence with another number", |n| format!("She needs {n} dollars for the 16 glasses.")),
    ("my final answer", |n| format!("Thus {n} is my final answer. Confidence: 95%")),
];

/// Returns another number than `right`, of a different kind for each `n`.
pub fn wrong(right: &str, n: usize) -> String {
    let number: i64 = right.replace(',', "").parse().unwrap_or(1);
    let other = match n % 4 {
        0 => number + 1,
        1 => number * 10 + 3,
        2 => number - 1,
        _ => number * 2 + 5,
    };
    other.to_string()
}
