use runmill_proto::Range;
use serde_json::{Map, Value};

use crate::{FieldFault, PriceTableError, rates::Rate, uplift::Factor};

/// The fields of one JSON object. An error about a field names the field and its model.
pub(crate) struct Fields<'a> {
    /// Model to which the fields belong. `None` for the fields of the table itself.
    model: Option<&'a str>,
    /// Prefix of a field's name in nested objects, such as `tiers/0/`.
    path: String,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    pub fn of_table(map: &'a Map<String, Value>) -> Self {
        Self { model: None, path: String::new(), map }
    }

    pub fn of_model(model: &'a str, value: &'a Value) -> Result<Self, PriceTableError> {
        let map =
            value.as_object().ok_or_else(|| PriceTableError::NotAnObject { model: model.to_owned() })?;
        Ok(Self { model: Some(model), path: String::new(), map })
    }

    /// Returns the objects in the list `field`, which may be absent.
    pub fn list(&self, field: &str) -> Result<Vec<Fields<'a>>, PriceTableError> {
        let Some(value) = self.value(field) else { return Ok(Vec::new()) };
        let list = value.as_array().ok_or_else(|| self.fault(field, FieldFault::NotAList))?;
        let read = |(place, value): (usize, &'a Value)| {
            let place = format!("{field}/{place}");
            let map = value.as_object().ok_or_else(|| self.fault(&place, FieldFault::NotAnObject))?;
            Ok(Fields { model: self.model, path: format!("{}{place}/", self.path), map })
        };
        list.iter().enumerate().map(read).collect()
    }

    /// Returns a price, which the field has in dollars per `tokens` tokens.
    pub fn rate(&self, field: &str, tokens: Tokens) -> Result<Option<Rate>, PriceTableError> {
        let Some(value) = self.value(field) else { return Ok(None) };
        let usd = value.as_f64();
        let (rate, fault) = match tokens {
            Tokens::One => (usd.and_then(Rate::per_token), FieldFault::PerToken),
            Tokens::Million => (usd.and_then(Rate::per_million), FieldFault::PerMillion),
        };
        rate.map(Some).ok_or_else(|| self.fault(field, fault))
    }

    /// Returns the fields of the object `field`, which may be absent.
    pub fn object(&self, field: &str) -> Result<Option<Fields<'a>>, PriceTableError> {
        let Some(value) = self.value(field) else { return Ok(None) };
        let map = value.as_object().ok_or_else(|| self.fault(field, FieldFault::NotAnObject))?;
        Ok(Some(Fields { model: self.model, path: format!("{}{field}/", self.path), map }))
    }

    /// Returns a price in dollars per request or per search.
    pub fn each(&self, field: &str) -> Result<Option<Rate>, PriceTableError> {
        let Some(value) = self.value(field) else { return Ok(None) };
        let rate = value.as_f64().and_then(Rate::each);
        rate.map(Some).ok_or_else(|| self.fault(field, FieldFault::Each))
    }

    pub fn factor(&self, field: &str) -> Result<Factor, PriceTableError> {
        let Some(value) = self.value(field) else { return Ok(Factor::default()) };
        value.as_f64().and_then(Factor::of).ok_or_else(|| self.fault(field, FieldFault::Factor))
    }

    /// Returns the values of the list `field`, or its only value if it is none. Returns `None` if it is absent.
    pub fn values(&self, field: &str) -> Option<&'a [Value]> {
        let value = self.value(field)?;
        Some(value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice))
    }

    /// Returns a number of tokens.
    pub fn count(&self, field: &str) -> Result<Option<u64>, PriceTableError> {
        let Some(value) = self.value(field) else { return Ok(None) };
        whole(value).map(Some).ok_or_else(|| self.fault(field, FieldFault::Count))
    }

    /// Returns the first of two numbers of tokens, such as the start of a range.
    pub fn first(&self, field: &str) -> Result<Option<u64>, PriceTableError> {
        let Some(value) = self.value(field) else { return Ok(None) };
        let first = value.as_array().and_then(|pair| whole(pair.first()?));
        first.map(Some).ok_or_else(|| self.fault(field, FieldFault::First))
    }

    pub fn text(&self, field: &str) -> Result<Option<&'a str>, PriceTableError> {
        let Some(value) = self.value(field) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| self.fault(field, FieldFault::NotAText))
    }

    pub fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.map.keys().map(String::as_str)
    }

    /// Returns an error if there is a field that is not in `known`, because a misspelt optional price would lead to
    /// wrong costs.
    pub fn only(&self, known: &[&str]) -> Result<(), PriceTableError> {
        match self.names().find(|name| !known.contains(name)) {
            Some(name) => {
                let known = known.iter().map(ToString::to_string).collect();
                Err(self.fault(name, FieldFault::Unknown { known }))
            }
            None => Ok(()),
        }
    }

    pub fn fault(&self, field: &str, fault: FieldFault) -> PriceTableError {
        let field = format!("{}{field}", self.path);
        match self.model {
            Some(model) => PriceTableError::Model { model: model.to_owned(), field, fault },
            None => PriceTableError::Field { field, fault },
        }
    }

    fn value(&self, field: &str) -> Option<&'a Value> {
        self.map.get(field).filter(|value| !value.is_null())
    }
}

/// Number of tokens that a price is quoted for.
#[derive(Clone, Copy)]
pub(crate) enum Tokens {
    One,
    Million,
}

/// Range of numbers of tokens. An `f64` has every whole number in it.
pub(crate) const TOKENS: Range<u64> = Range::new(0, 1_000_000_000_000);

/// Returns a number of tokens, which may be written as `4096.0`.
fn whole(value: &Value) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole, not negative, and a cast saturates"
    )]
    let rounded = |number: f64| (number.fract() == 0.0 && number >= 0.0).then_some(number as u64);
    let number = value.as_u64().or_else(|| value.as_f64().and_then(rounded));
    number.filter(|number| TOKENS.contains(*number))
}
