//! Decides if two statements say the same.

use std::collections::BTreeSet;

use super::{expression::Expression, field, points::Points, real, statement::Statement};

/// Largest difference of equal values, as a share: for expressions that are exact, and for those with decimals.
const EXACT: f64 = 1e-9;
const ROUNDED: f64 = 2e-6;

/// Number of points at which expressions are compared, and how many of them must be defined.
const POINTS: u64 = 12;
const DEFINED_MIN: usize = 3;

pub(super) fn equal(wanted: &Statement, given: &Statement) -> bool {
    match (wanted, given) {
        (Statement::Value(a), Statement::Value(b)) => values(a, b),
        (Statement::Tuple(open, a, close), Statement::Tuple(other_open, b, other_close)) => {
            open == other_open && close == other_close && in_order(a, b)
        }
        (Statement::Set(a), Statement::Set(b)) | (Statement::Union(a), Statement::Union(b)) => {
            in_any_order(a, b)
        }
        (Statement::Relation(a, sign, b), Statement::Relation(c, other, d)) => {
            sign == other && (equal(a, c) && equal(b, d) || relations(a, b, c, d, *sign))
        }
        (Statement::Named(Some(a), b), Statement::Relation(c, '=', d))
        | (Statement::Relation(c, '=', d), Statement::Named(Some(a), b)) => {
            relations(&Statement::Value(a.clone()), b, c, d, '=')
        }
        (Statement::Named(_, a), b) | (b, Statement::Named(_, a)) => equal(a, b),
        (Statement::Relation(a, sign, b), tuple @ Statement::Tuple(..))
        | (tuple @ Statement::Tuple(..), Statement::Relation(a, sign, b)) => {
            interval(a, *sign, b).is_some_and(|interval| equal(&interval, tuple))
        }
        // One value may be in the brackets of a set.
        (Statement::Set(one), other) | (other, Statement::Set(one)) => {
            matches!(one.as_slice(), [one] if equal(one, other))
        }
        (Statement::Relation(name, '=', value), other) | (other, Statement::Relation(name, '=', value)) => {
            is_variable(name) && equal(value, other) || is_variable(value) && equal(name, other)
        }
        _ => false,
    }
}

/// Returns the interval of an inequality of a variable and a value: `x < 5` is from minus infinity to 5.
fn interval(a: &Statement, sign: char, b: &Statement) -> Option<Statement> {
    let is_open = match sign {
        '<' => true,
        '≤' => false,
        _ => return None,
    };
    let infinity = Statement::Value(Expression::Infinity);
    if is_variable(a) {
        let minus = Statement::Value(Expression::negative(Expression::Infinity));
        return Some(Statement::Tuple('(', vec![minus, b.clone()], if is_open { ')' } else { ']' }));
    }
    let open = if is_open { '(' } else { '[' };
    is_variable(b).then(|| Statement::Tuple(open, vec![a.clone(), infinity], ')'))
}

fn is_variable(statement: &Statement) -> bool {
    matches!(statement, Statement::Value(Expression::Variable(_)))
}

fn in_order(a: &[Statement], b: &[Statement]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
}

fn in_any_order(a: &[Statement], b: &[Statement]) -> bool {
    let mut left: Vec<_> = b.iter().collect();
    let are_found = a.iter().all(|a| {
        let found = left.iter().position(|b| equal(a, b));
        found.map(|at| left.swap_remove(at)).is_some()
    });
    are_found && left.is_empty()
}

/// Compares `a sign b` and `c sign d` by the differences of their sides, one of which may be a multiple of the other.
fn relations(a: &Statement, b: &Statement, c: &Statement, d: &Statement, sign: char) -> bool {
    let (Statement::Value(a), Statement::Value(b), Statement::Value(c), Statement::Value(d)) = (a, b, c, d)
    else {
        return false;
    };
    let first = Expression::difference(a.clone(), b.clone());
    let second = Expression::difference(c.clone(), d.clone());
    let ratios = (0..POINTS).filter_map(|seed| {
        let points = Points::new(seed);
        let ratio = real::value(&first, &points) / real::value(&second, &points);
        (ratio.is_finite() && ratio != 0.0).then_some(ratio)
    });
    let ratios: Vec<_> = ratios.collect();
    let is_constant = ratios.iter().all(|ratio| near(*ratio, ratios[0], EXACT));
    ratios.len() >= DEFINED_MIN && is_constant && (sign == '=' || sign == '≠' || ratios[0] > 0.0)
}

fn values(a: &Expression, b: &Expression) -> bool {
    if variables(a) != variables(b) && is_simple(a) && is_simple(b) {
        return false;
    }
    let rounded = a.has_decimals() != b.has_decimals();
    if !rounded && let Some(equal) = in_field(a, b) {
        return equal;
    }
    in_reals(a, b, if a.has_decimals() || b.has_decimals() { ROUNDED } else { EXACT })
}

/// Returns true for an expression whose variables cannot cancel.
const fn is_simple(expression: &Expression) -> bool {
    matches!(expression, Expression::Number(_) | Expression::Variable(_))
}

fn variables(expression: &Expression) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    expression.visit_variables(&mut |name| {
        names.insert(name.to_owned());
    });
    names
}

/// Compares exactly. Returns `None` if an expression cannot be evaluated so, or may have the number e.
fn in_field(a: &Expression, b: &Expression) -> Option<bool> {
    let has_e = |expression: &Expression| variables(expression).contains("e");
    if has_e(a) || has_e(b) {
        return None;
    }
    let pairs = (0..3).map(|seed| {
        let points = Points::new(seed);
        Some((field::value(a, &points)?, field::value(b, &points)?))
    });
    let pairs: Vec<_> = pairs.collect::<Option<_>>()?;
    Some(pairs.iter().all(|(a, b)| a == b))
}

fn in_reals(a: &Expression, b: &Expression, tolerance: f64) -> bool {
    let is_constant = variables(a).is_empty() && variables(b).is_empty();
    let mut defined = 0_usize;
    for seed in 0..if is_constant { 1 } else { POINTS } {
        let points = Points::new(seed);
        let (a, b) = (real::value(a, &points), real::value(b, &points));
        if a.is_nan() || b.is_nan() {
            continue;
        }
        if !near(a, b, tolerance) {
            return false;
        }
        defined += 1;
    }
    defined >= if is_constant { 1 } else { DEFINED_MIN }
}

/// Returns true if both are near in relation to the larger, or both are the same infinity. A result that should be 0
/// may be an error of rounding.
fn near(a: f64, b: f64, tolerance: f64) -> bool {
    const ROUNDING: f64 = 1e-14;
    a.total_cmp(&b).is_eq()
        || a.is_finite() && b.is_finite() && (a - b).abs() <= (tolerance * a.abs().max(b.abs())).max(ROUNDING)
}
