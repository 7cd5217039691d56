//! Evaluates expressions exactly, modulo a prime: two expressions of integers, variables and the four operations that
//! are equal at random points of the field are the same, but for a chance of some 1 in 10^16.

use super::{
    expression::Expression,
    points::{PRIME, Points},
};

/// Largest exponent and factorial that are evaluated.
const EXPONENT_MAX: i64 = 100_000;
const FACTORIAL_MAX: i64 = 1000;

/// Returns the value, or `None` if the expression has a root, a function or a constant, which the field has not.
pub(super) fn value(expression: &Expression, points: &Points) -> Option<u64> {
    let of = |inner: &Expression| value(inner, points);
    Some(match expression {
        Expression::Number(digits) => number(digits)?,
        Expression::Variable(name) => points.in_field(name),
        Expression::Negative(a) => negative(of(a)?),
        Expression::Sum(a, b) => sum(of(a)?, of(b)?),
        Expression::Product(a, b) => product(of(a)?, of(b)?),
        Expression::Quotient(a, b) => product(of(a)?, inverse(of(b)?)?),
        Expression::Power(a, b) => {
            power(of(a)?, b.as_integer().filter(|exponent| exponent.abs() <= EXPONENT_MAX)?)?
        }
        Expression::Factorial(a) => factorial(a.as_integer()?)?,
        Expression::Pi | Expression::Infinity | Expression::Function(..) | Expression::Log(..) => {
            return None;
        }
    })
}

fn number(digits: &str) -> Option<u64> {
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let digit = |value: u64, digit: u8| sum(product(value, 10), u64::from(digit - b'0'));
    let value = whole.bytes().chain(decimals.bytes()).fold(0, digit);
    let scale = power(10, i64::try_from(decimals.len()).ok()?)?;
    Some(product(value, inverse(scale)?))
}

const fn negative(a: u64) -> u64 {
    if a == 0 { 0 } else { PRIME - a }
}

const fn sum(a: u64, b: u64) -> u64 {
    (a + b) % PRIME
}

fn product(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b) % u128::from(PRIME);
    u64::try_from(wide).unwrap_or(0)
}

fn power(base: u64, exponent: i64) -> Option<u64> {
    let base = if exponent < 0 { inverse(base)? } else { base };
    Some(raised(base, exponent.unsigned_abs()))
}

fn raised(mut base: u64, mut exponent: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = product(result, base);
        }
        base = product(base, base);
        exponent >>= 1;
    }
    result
}

fn inverse(a: u64) -> Option<u64> {
    (a != 0).then(|| raised(a, PRIME - 2))
}

fn factorial(n: i64) -> Option<u64> {
    (0..=FACTORIAL_MAX).contains(&n).then(|| (1..=n.unsigned_abs()).fold(1, product))
}
