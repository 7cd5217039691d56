//! Parses tokens into an expression, by recursive descent with a limit of its depth.

use super::{
    expression::{Expression, Function},
    token::Token,
};

/// Largest depth of nested parts. A tree is never deeper than its tokens, of which a formula has few.
const DEPTH_MAX: usize = 60;

/// Largest number of terms and factors in a row, which bounds the depth of sums and products.
const ROW_MAX: usize = 200;

pub(super) struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

/// Parses all of `tokens` as one expression.
pub(super) fn expression(tokens: &[Token]) -> Option<Expression> {
    let mut parser = Parser { tokens, at: 0, depth: 0 };
    let found = parser.sum()?;
    (parser.at == tokens.len()).then_some(found)
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn is_sign(&self, sign: char) -> bool {
        self.peek() == Some(&Token::Sign(sign))
    }

    fn take(&mut self, sign: char) -> bool {
        let is_next = self.is_sign(sign);
        self.at += usize::from(is_next);
        is_next
    }

    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth >= DEPTH_MAX {
            return None;
        }
        self.depth += 1;
        let found = parse(self);
        self.depth -= 1;
        found
    }

    fn sum(&mut self) -> Option<Expression> {
        self.nested(|parser| {
            let mut sum = parser.signed()?;
            for _ in 0..ROW_MAX {
                if parser.take('+') {
                    sum = Expression::sum(sum, parser.product()?);
                } else if parser.take('-') {
                    sum = Expression::difference(sum, parser.product()?);
                } else {
                    return Some(sum);
                }
            }
            None
        })
    }

    fn signed(&mut self) -> Option<Expression> {
        if self.take('-') {
            return self.nested(Self::signed).map(Expression::negative);
        }
        if self.take('+') {
            return self.nested(Self::signed);
        }
        self.product()
    }

    fn product(&mut self) -> Option<Expression> {
        let mut product = self.factor()?;
        for _ in 0..ROW_MAX {
            if self.take('*') {
                let negative = self.take('-');
                let factor = self.factor()?;
                product = Expression::product(
                    product,
                    if negative { Expression::negative(factor) } else { factor },
                );
            } else if self.take('/') {
                let negative = self.take('-');
                let factor = self.factor()?;
                product = Expression::quotient(
                    product,
                    if negative { Expression::negative(factor) } else { factor },
                );
            } else if self.is_mixed(&product) {
                product = Expression::sum(product, self.factor()?);
            } else if self.begins_factor() {
                product = Expression::product(product, self.factor()?);
            } else {
                return Some(product);
            }
        }
        None
    }

    /// Returns true if a mixed number such as `2\frac{1}{3}` goes on with its fraction.
    fn is_mixed(&self, before: &Expression) -> bool {
        use Token::{Name, Number, Sign};
        let is_whole = matches!(before, Expression::Number(digits) if !digits.contains('.'));
        let rest = self.tokens.get(self.at..).unwrap_or_default();
        is_whole
            && matches!(
                rest,
                [Name("frac"), Number(_), Number(_), ..]
                    | [Name("frac"), Sign('{'), Number(_), Sign('}'), Sign('{'), Number(_), Sign('}'), ..]
            )
    }

    fn begins_factor(&self) -> bool {
        match self.peek() {
            Some(Token::Variable(_)) => true,
            Some(Token::Name(name)) => *name != "cup",
            // Two numbers side by side are no product.
            Some(Token::Number(_)) => {
                !matches!(self.tokens.get(self.at.wrapping_sub(1)), Some(Token::Number(_)))
            }
            Some(Token::Sign(sign)) => matches!(sign, '(' | '{' | '['),
            None => false,
        }
    }

    /// Reads an atom with its powers, factorials and percent signs.
    fn factor(&mut self) -> Option<Expression> {
        self.nested(|parser| {
            let mut factor = parser.atom()?;
            for _ in 0..ROW_MAX {
                if parser.take('^') {
                    factor = Expression::power(factor, parser.exponent()?);
                } else if parser.take('!') {
                    factor = Expression::Factorial(Box::new(factor));
                } else if parser.take('%') {
                    factor = Expression::quotient(factor, Expression::number("100"));
                } else {
                    return Some(factor);
                }
            }
            None
        })
    }

    /// Reads a braced exponent, or a single atom with a sign. Powers associate to the right.
    fn exponent(&mut self) -> Option<Expression> {
        if self.take('-') {
            return self.nested(Self::exponent).map(Expression::negative);
        }
        self.nested(|parser| {
            let base = parser.atom()?;
            if parser.take('^') { Some(Expression::power(base, parser.exponent()?)) } else { Some(base) }
        })
    }

    fn atom(&mut self) -> Option<Expression> {
        let token = self.peek()?.clone();
        self.at += 1;
        match token {
            Token::Number(digits) => Some(Expression::Number(digits)),
            Token::Variable(name) => Some(Expression::Variable(self.indexed(name)?)),
            Token::Name(name) => self.nested(|parser| parser.named(name)),
            Token::Sign('(') => self.inside(')'),
            Token::Sign('{') => self.inside('}'),
            Token::Sign('[') => self.inside(']'),
            Token::Sign('|') => Some(Expression::Function(Function::Abs, Box::new(self.inside('|')?))),
            Token::Sign(_) => None,
        }
    }

    fn inside(&mut self, close: char) -> Option<Expression> {
        let inside = self.sum()?;
        self.take(close).then_some(inside)
    }

    /// Reads the index of a variable, which belongs to its name.
    fn indexed(&mut self, mut name: String) -> Option<String> {
        if !self.take('_') {
            return Some(name);
        }
        let is_braced = self.take('{');
        name.push('_');
        loop {
            match self.peek()? {
                Token::Number(text) | Token::Variable(text) => name.push_str(text),
                Token::Sign('}') if is_braced => {}
                _ => return None,
            }
            self.at += 1;
            if !is_braced || self.tokens[self.at - 1] == Token::Sign('}') {
                return Some(name);
            }
        }
    }

    fn named(&mut self, name: &str) -> Option<Expression> {
        match name {
            "pi" => Some(Expression::Pi),
            "infty" => Some(Expression::Infinity),
            "frac" => Some(Expression::quotient(self.argument()?, self.argument()?)),
            "binom" => self.binomial(),
            "sqrt" => self.root(),
            "log" => self.logarithm(),
            name => self.function(Function::named(name)?),
        }
    }

    fn argument(&mut self) -> Option<Expression> {
        if self.take('{') { self.inside('}') } else { self.atom() }
    }

    fn binomial(&mut self) -> Option<Expression> {
        let (n, k) = (self.argument()?, self.argument()?);
        let rest = Expression::difference(n.clone(), k.clone());
        let factorial = |of: Expression| Expression::Factorial(Box::new(of));
        Some(Expression::quotient(factorial(n), Expression::product(factorial(k), factorial(rest))))
    }

    fn root(&mut self) -> Option<Expression> {
        let degree = if self.take('[') { self.inside(']')? } else { Expression::number("2") };
        let base = if self.is_sign('{') { self.argument()? } else { self.factor_without_power()? };
        Some(Expression::power(base, Expression::quotient(Expression::number("1"), degree)))
    }

    fn factor_without_power(&mut self) -> Option<Expression> {
        self.nested(Self::atom)
    }

    fn logarithm(&mut self) -> Option<Expression> {
        let base = if self.take('_') { Some(self.argument()?) } else { None };
        let of = self.operand()?;
        Some(match base {
            Some(base) => Expression::Log(Box::new(base), Box::new(of)),
            // Without a base it is the natural one, as in the references of the field.
            None => Expression::Function(Function::Ln, Box::new(of)),
        })
    }

    fn function(&mut self, function: Function) -> Option<Expression> {
        let power = if self.take('^') { Some(self.exponent()?) } else { None };
        let of = self.operand()?;
        let value = Expression::Function(function, Box::new(of));
        Some(match power {
            Some(power) => Expression::power(value, power),
            None => value,
        })
    }

    /// Reads what a function is of: a bracket, or the factors up to the next sign: `\sin 2x`.
    fn operand(&mut self) -> Option<Expression> {
        if self.is_sign('(') || self.is_sign('{') || self.is_sign('|') {
            return self.nested(Self::atom);
        }
        let mut product = self.factor()?;
        for _ in 0..ROW_MAX {
            if !matches!(self.peek(), Some(Token::Variable(_) | Token::Name("pi"))) {
                return Some(product);
            }
            product = Expression::product(product, self.factor()?);
        }
        None
    }
}
