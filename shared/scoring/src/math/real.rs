//! Evaluates expressions in floating point.

use std::f64::consts::{E, PI};

use super::{
    expression::{Expression, Function},
    points::Points,
};

const FACTORIAL_MAX: f64 = 170.0;

/// Returns the value at a point, which is not a number where the expression is not defined.
pub(super) fn value(expression: &Expression, points: &Points) -> f64 {
    let of = |inner: &Expression| value(inner, points);
    match expression {
        Expression::Number(digits) => digits.parse().unwrap_or(f64::NAN),
        // A product with the number e is meant, since exercises use other letters for what they ask for.
        Expression::Variable(name) if name == "e" => E,
        Expression::Variable(name) => points.real(name),
        Expression::Pi => PI,
        Expression::Infinity => f64::INFINITY,
        Expression::Negative(a) => -of(a),
        Expression::Sum(a, b) => of(a) + of(b),
        Expression::Product(a, b) => of(a) * of(b),
        Expression::Quotient(a, b) => of(a) / of(b),
        Expression::Power(a, b) => power(of(a), b, of(b)),
        Expression::Factorial(a) => factorial(of(a)),
        Expression::Function(function, a) => call(*function, of(a)),
        Expression::Log(base, a) => of(a).ln() / of(base).ln(),
    }
}

/// Returns a power, also the odd root of a negative number.
fn power(base: f64, exponent: &Expression, value: f64) -> f64 {
    if let Expression::Quotient(over, under) = exponent
        && let (Some(over), Some(under)) = (over.as_integer(), under.as_integer())
        && base < 0.0
        && under % 2 != 0
    {
        let root = (-base).powf(value);
        return if over % 2 == 0 { root } else { -root };
    }
    base.powf(value)
}

fn factorial(n: f64) -> f64 {
    if n < 0.0 || n.fract() != 0.0 || n > FACTORIAL_MAX {
        return f64::NAN;
    }
    let mut result = 1.0;
    let mut factor = 2.0;
    while factor <= n {
        result *= factor;
        factor += 1.0;
    }
    result
}

fn call(function: Function, of: f64) -> f64 {
    match function {
        Function::Sin => of.sin(),
        Function::Cos => of.cos(),
        Function::Tan => of.tan(),
        Function::Cot => 1.0 / of.tan(),
        Function::Sec => 1.0 / of.cos(),
        Function::Csc => 1.0 / of.sin(),
        Function::Arcsin => of.asin(),
        Function::Arccos => of.acos(),
        Function::Arctan => of.atan(),
        Function::Sinh => of.sinh(),
        Function::Cosh => of.cosh(),
        Function::Tanh => of.tanh(),
        Function::Ln => of.ln(),
        Function::Exp => of.exp(),
        Function::Abs => of.abs(),
    }
}
