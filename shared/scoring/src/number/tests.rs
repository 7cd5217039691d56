use proptest::prelude::*;

use super::*;

fn values(text: &str) -> Vec<f64> {
    numbers(&plain(text)).into_iter().map(|number| number.value).collect()
}

#[test]
fn numbers_in_the_wild() {
    let table: &[(&str, &[f64])] = &[
        ("42", &[42.0]),
        ("It is 42.", &[42.0]),
        ("$1,234.50 in all", &[1234.5]),
        ("1,000,000", &[1e6]),
        ("1, 2, 3", &[1.0, 2.0, 3.0]),
        (r"1{,}000", &[1000.0]),
        (r"1\,000", &[1000.0]),
        ("1\u{202f}000", &[1000.0]),
        (".5", &[0.5]),
        ("-5", &[-5.0]),
        ("−5 °C", &[-5.0]),
        ("x=-5", &[-5.0]),
        ("-$5", &[-5.0]),
        ("$-5", &[-5.0]),
        ("10-5", &[10.0, 5.0]),
        ("1939–1945", &[1939.0, 1945.0]),
        ("6.02e23", &[6.02e23]),
        ("1.2 × 10^5", &[1.2e5]),
        (r"1.2 \times 10^{-5}", &[1.2e-5]),
        ("3/4", &[0.75]),
        ("1 3/4 cups", &[1.75]),
        (r"\frac{3}{4}", &[0.75]),
        (r"-\frac{1}{2}", &[-0.5]),
        ("1/0", &[]),
        ("H2O and GPT4", &[]),
        ("5km, the 3rd", &[5.0, 3.0]),
        ("1e999", &[]),
        ("no number", &[]),
        ("**18**", &[18.0]),
        ("_18_", &[18.0]),
        ("1/2/2024", &[]),
        ("x_1 and x^2", &[]),
    ];
    for (text, want) in table {
        assert_eq!(values(text), *want, "{text}");
    }
}

/// Tests the rows N6 to N10 of the survey of number formats: separators, powers, scripts, signs, TeX.
#[test]
fn numbers_of_the_world() {
    let table = [
        ("1 234 567", 1_234_567.0),
        ("1'234'567", 1_234_567.0),
        ("1’234’567", 1_234_567.0),
        ("1_234_567", 1_234_567.0),
        ("1,00,000", 100_000.0),
        ("3,5", 3.5),
        ("1.234,50", 1234.5),
        ("1~234~567", 1_234_567.0),
        ("10^3", 1000.0),
        ("10³", 1000.0),
        ("10**3", 1000.0),
        ("1.2 × 10⁻⁵", 1.2e-5),
        ("1k", 1000.0),
        ("$1.5M", 1.5e6),
        ("1.5 million", 1.5e6),
        ("3万", 30_000.0),
        ("1.2e−5", 1.2e-5),
        ("5 m^2", 5.0),
        ("25 m/s^2", 25.0),
        ("25 m·s⁻²", 25.0),
        ("答案是12。", 12.0),
        ("정답은 12입니다", 12.0),
        ("１２", 12.0),
        ("١٢", 12.0),
        ("- 5", -5.0),
        ("x = - 5", -5.0),
        ("minus 5", -5.0),
        ("($5)", -5.0),
        ("‐5", -5.0),
        ("‑5", -5.0),
        ("－5", -5.0),
        ("﹣5", -5.0),
        (r"\frac{-1}{2}", -0.5),
        (r"\cfrac{3}{4}", 0.75),
        (r"2\tfrac12", 2.5),
        ("2½", 2.5),
        ("3⁄4", 0.75),
        ("3÷4", 0.75),
    ];
    for (text, want) in table {
        assert_eq!(values(text), [want], "{text}");
    }
}

#[test]
fn a_dash_that_is_no_sign() {
    for (text, want) in [("- 5 apples", 5.0), ("She pays ($5).", 5.0), ("GPT-4", 4.0)] {
        assert_eq!(values(text), [want], "{text}");
    }
    assert_eq!(values("20 minus 5"), [20.0, 5.0]);
}

#[test]
fn what_stands_around_a_number_is_seen() {
    for text in ["45%", "45 %", r"45\%", "45 percent", "45％"] {
        assert!(numbers(&plain(text))[0].percent, "{text}");
    }
    for text in ["$45", "45 dollars", "45 €", "€ 45"] {
        assert!(numbers(&plain(text))[0].currency, "{text}");
    }
    assert_eq!(numbers("-0090071992547409931")[0].integer.as_deref(), Some("-90071992547409931"));
    assert_eq!(numbers("1e3")[0].integer, None);
}

proptest! {
    #[test]
    fn a_printed_number_is_read(value in -1e12..1e12_f64) {
        prop_assert_eq!(values(&format!("It is {value} then")), [value]);
        prop_assert_eq!(values(&format!("It is {value:e} then")), [value]);
    }

    #[test]
    fn commas_do_not_matter(thousands in 1..1000_u32, rest in 0..1000_u32) {
        let want = f64::from(thousands * 1000 + rest);
        prop_assert_eq!(values(&format!("{thousands},{rest:03}")), [want]);
    }

    #[test]
    fn no_text_is_too_odd(text in any::<String>(), near in "[-0-9.,'_ ^/(){}$%√ekM½²\\\\a-c]{0,30}") {
        for text in [text, near] {
            prop_assert!(numbers(&plain(&text)).iter().all(|number| number.value.is_finite()));
        }
    }
}
