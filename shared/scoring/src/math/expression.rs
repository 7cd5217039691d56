/// A mathematical expression with one value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    /// Digits, perhaps with a decimal point.
    Number(String),
    Variable(String),
    Pi,
    Infinity,
    Negative(Box<Self>),
    Sum(Box<Self>, Box<Self>),
    Product(Box<Self>, Box<Self>),
    Quotient(Box<Self>, Box<Self>),
    Power(Box<Self>, Box<Self>),
    Factorial(Box<Self>),
    Function(Function, Box<Self>),
    /// Logarithm of the second to the base of the first.
    Log(Box<Self>, Box<Self>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Sin,
    Cos,
    Tan,
    Cot,
    Sec,
    Csc,
    Arcsin,
    Arccos,
    Arctan,
    Sinh,
    Cosh,
    Tanh,
    Ln,
    Exp,
    Abs,
}

impl Function {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "sin" => Self::Sin,
            "cos" => Self::Cos,
            "tan" => Self::Tan,
            "cot" => Self::Cot,
            "sec" => Self::Sec,
            "csc" => Self::Csc,
            "arcsin" => Self::Arcsin,
            "arccos" => Self::Arccos,
            "arctan" => Self::Arctan,
            "sinh" => Self::Sinh,
            "cosh" => Self::Cosh,
            "tanh" => Self::Tanh,
            "ln" => Self::Ln,
            "exp" => Self::Exp,
            "abs" => Self::Abs,
            _ => return None,
        })
    }
}

impl Expression {
    pub fn sum(a: Self, b: Self) -> Self {
        Self::Sum(Box::new(a), Box::new(b))
    }

    pub fn product(a: Self, b: Self) -> Self {
        Self::Product(Box::new(a), Box::new(b))
    }

    pub fn quotient(a: Self, b: Self) -> Self {
        Self::Quotient(Box::new(a), Box::new(b))
    }

    pub fn power(a: Self, b: Self) -> Self {
        Self::Power(Box::new(a), Box::new(b))
    }

    pub fn negative(a: Self) -> Self {
        Self::Negative(Box::new(a))
    }

    pub fn number(digits: &str) -> Self {
        Self::Number(digits.to_owned())
    }

    pub fn difference(a: Self, b: Self) -> Self {
        Self::sum(a, Self::negative(b))
    }

    /// Returns the integer that the expression is, if it is written as one.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Number(digits) => digits.parse().ok(),
            Self::Negative(inner) => inner.as_integer().map(|value| -value),
            _ => None,
        }
    }

    /// Returns true if a part of the expression is a decimal fraction, which may be rounded.
    pub fn has_decimals(&self) -> bool {
        match self {
            Self::Number(digits) => digits.contains('.'),
            Self::Variable(_) | Self::Pi | Self::Infinity => false,
            Self::Negative(a) | Self::Factorial(a) | Self::Function(_, a) => a.has_decimals(),
            Self::Sum(a, b)
            | Self::Product(a, b)
            | Self::Quotient(a, b)
            | Self::Power(a, b)
            | Self::Log(a, b) => a.has_decimals() || b.has_decimals(),
        }
    }

    /// Calls `see` with the name of each variable.
    pub fn visit_variables(&self, see: &mut impl FnMut(&str)) {
        match self {
            Self::Variable(name) => see(name),
            Self::Number(_) | Self::Pi | Self::Infinity => {}
            Self::Negative(a) | Self::Factorial(a) | Self::Function(_, a) => a.visit_variables(see),
            Self::Sum(a, b)
            | Self::Product(a, b)
            | Self::Quotient(a, b)
            | Self::Power(a, b)
            | Self::Log(a, b) => {
                a.visit_variables(see);
                b.visit_variables(see);
            }
        }
    }
}
