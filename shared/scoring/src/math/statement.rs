//! Reads what an answer states: a value, a list of values, an interval, an equation.

use super::{
    expression::Expression,
    latex,
    parse::expression,
    token::{Token, tokens},
};

/// Largest number of parts of a list.
const PARTS_MAX: usize = 64;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Statement {
    Value(Expression),
    /// Values in brackets, whose order counts: a point, a vector, an interval. The brackets are part of it.
    Tuple(char, Vec<Self>, char),
    /// Values whose order does not count.
    Set(Vec<Self>),
    /// A value with its name: `x = 5`, `f(x) = 2x`.
    Named(Option<Expression>, Box<Self>),
    /// Two sides and the sign between them, which is `=`, `<`, `≤` or `≠`.
    Relation(Box<Self>, char, Box<Self>),
    /// Parts with the sign `∪` between them.
    Union(Vec<Self>),
}

impl Statement {
    /// Reads a formula, without the unit behind it.
    pub fn read(text: &str) -> Option<Self> {
        let exact = text.split(['≈']).next()?.split(r"\approx").next()?;
        read(exact).or_else(|| read(&latex::without_units(exact)))
    }
}

fn read(text: &str) -> Option<Statement> {
    let tokens = tokens(text.trim().trim_end_matches(['.', ',', ';']))?;
    if tokens.is_empty() { None } else { of(&tokens, 0) }
}

fn of(tokens: &[Token], depth: usize) -> Option<Statement> {
    const DEPTH_MAX: usize = 8;
    if depth > DEPTH_MAX {
        return None;
    }
    let each =
        |parts: Vec<&[Token]>| parts.into_iter().map(|part| of(part, depth + 1)).collect::<Option<Vec<_>>>();
    let unions = split(tokens, |token| *token == Token::Name("cup"));
    if unions.len() > 1 {
        return each(unions).map(Statement::Union);
    }
    let parts = split(tokens, |token| matches!(token, Token::Sign(',' | ';')));
    if parts.len() > PARTS_MAX {
        return None;
    }
    if parts.len() > 1 {
        return each(parts).map(Statement::Set);
    }
    let sides = split(tokens, is_relation);
    if sides.len() > 1 {
        return relation(tokens, &sides, depth);
    }
    if tokens.contains(&Token::Sign('±')) {
        return plus_minus(tokens);
    }
    bracketed(tokens, depth).or_else(|| expression(tokens).map(Statement::Value))
}

/// Splits tokens at those outside of all brackets that `is_separator` takes.
fn split(tokens: &[Token], is_separator: impl Fn(&Token) -> bool) -> Vec<&[Token]> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Sign('(' | '[' | '{' | '⦃' | '⟦') => depth += 1,
            Token::Sign(')' | ']' | '}' | '⦄' | '⟧') => depth = depth.saturating_sub(1),
            token if depth == 0 && is_separator(token) => {
                parts.push(&tokens[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&tokens[start..]);
    parts
}

const fn is_relation(token: &Token) -> bool {
    matches!(token, Token::Sign('=' | '<' | '>' | '≤' | '≥' | '≠' | '∈'))
}

/// Reads an equation or inequality by its sides. A name with a sign before a value, as in `x = 5` and `x \in (0, 1)`,
/// only names it.
fn relation(tokens: &[Token], sides: &[&[Token]], depth: usize) -> Option<Statement> {
    let [first, .., last] = sides else { return None };
    let Token::Sign(sign) = tokens.get(first.len())? else { return None };
    if matches!(sign, '=' | '∈') && (is_name(first) || sides.len() > 2) {
        let name = expression(first).filter(|_| *sign == '=' && sides.len() == 2);
        return of(last, depth + 1).map(|value| Statement::Named(name, Box::new(value)));
    }
    if sides.len() > 2 {
        return None;
    }
    let (first, last) = (Box::new(of(first, depth + 1)?), Box::new(of(last, depth + 1)?));
    Some(match sign {
        '>' => Statement::Relation(last, '<', first),
        '≥' => Statement::Relation(last, '≤', first),
        sign => Statement::Relation(first, *sign, last),
    })
}

/// Returns true for `x`, `x_1`, `f(x)` and `f^{-1}(x)`.
fn is_name(tokens: &[Token]) -> bool {
    let names =
        matches!(tokens, [Token::Variable(_)] | [Token::Variable(_), Token::Sign('_' | '(' | '^' | '{'), ..]);
    names && !tokens.iter().any(|token| matches!(token, Token::Sign('+' | '*' | '/' | '=')))
}

/// Reads `a ± b` as both values.
fn plus_minus(tokens: &[Token]) -> Option<Statement> {
    let with = |sign: char| {
        let replaced =
            |token: &Token| if *token == Token::Sign('±') { Token::Sign(sign) } else { token.clone() };
        expression(&tokens.iter().map(replaced).collect::<Vec<_>>()).map(Statement::Value)
    };
    Some(Statement::Set(vec![with('+')?, with('-')?]))
}

/// Reads a tuple, an interval, a set or a matrix, if the brackets are around all.
fn bracketed(tokens: &[Token], depth: usize) -> Option<Statement> {
    let [Token::Sign(open), inside @ .., Token::Sign(close)] = tokens else { return None };
    let each =
        |parts: Vec<&[Token]>| parts.into_iter().map(|part| of(part, depth + 1)).collect::<Option<Vec<_>>>();
    match (open, close) {
        ('⦃', '⦄') => each(split(inside, |token| *token == Token::Sign(','))).map(Statement::Set),
        ('⟦', '⟧') => {
            let rows =
                split(inside, |token| *token == Token::Sign('\n')).into_iter().filter(|row| !row.is_empty());
            each(rows.collect()).map(|rows| Statement::Tuple('⟦', rows, '⟧'))
        }
        ('(' | '[', ')' | ']') => {
            let parts = split(inside, |token| matches!(token, Token::Sign(',' | ';')));
            if parts.len() < 2 {
                return None;
            }
            each(parts).map(|parts| Statement::Tuple(*open, parts, *close))
        }
        _ => None,
    }
}
