//! Details of an answer that are read if possible. One that is not as expected is marked or reads as absent, and is never
//! an error: the answer does not depend on it.
//!
//! Values of the expected type are read as without this module: nothing is buffered, and texts are borrowed.

use std::{fmt, marker::PhantomData};

use runmill_pricing::ServiceTier;
use serde::{
    Deserialize, Deserializer,
    de::{
        IgnoredAny, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};

use super::text::Text;

/// Reads a field with `#[serde(deserialize_with)]`, as do the next three functions.
pub(super) fn text<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Option<Text<'a>>, D::Error> {
    Lenient::<Text<'de>>::deserialize(from).map(Lenient::read)
}

pub(super) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Lenient::deserialize(from).map(Lenient::read)
}

pub(super) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    Lenient::<Object<T>>::deserialize(from).map(|object| object.read().map(|Object(fields)| fields))
}

pub(super) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<Vec<T>>, D::Error> {
    Lenient::deserialize(from).map(Lenient::read)
}

/// A value that may be absent, or of another type than expected.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Lenient<T> {
    #[default]
    Absent,
    Unreadable,
    Read(T),
}

/// A number, a numeric text, or a truth value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar {
    Whole(u64),
    Real(f64),
    Flag(bool),
}

/// Type that can be read from some kinds of JSON values. `None` means that the value is of no such kind.
pub(super) trait Detail<'de>: Sized {
    fn scalar(_: Scalar) -> Option<Self> {
        None
    }

    fn text(_: &str) -> Option<Self> {
        None
    }

    fn borrowed_text(text: &'de str) -> Option<Self> {
        Self::text(text)
    }

    fn object<A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        skip(object)
    }

    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// An object with known fields.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Object<T>(pub T);

impl<T> Lenient<T> {
    pub fn read(self) -> Option<T> {
        match self {
            Self::Read(value) => Some(value),
            Self::Absent | Self::Unreadable => None,
        }
    }

    /// Returns this value, or `other` if it is absent.
    pub fn or(self, other: Self) -> Self {
        if matches!(self, Self::Absent) { other } else { self }
    }
}

fn skip<'de, T, A: MapAccess<'de>>(mut object: A) -> Result<Option<T>, A::Error> {
    while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(None)
}

impl Detail<'_> for Scalar {
    fn scalar(scalar: Scalar) -> Option<Self> {
        Some(scalar)
    }

    fn text(text: &str) -> Option<Self> {
        let text = text.trim();
        text.parse().map(Self::Whole).ok().or_else(|| text.parse().map(Self::Real).ok())
    }
}

impl<'de, T: Deserialize<'de>> Detail<'de> for Object<T> {
    fn object<A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object)).map(|fields| Some(Self(fields)))
    }
}

impl<'de> Detail<'de> for Text<'de> {
    fn text(text: &str) -> Option<Self> {
        Some(Self(text.to_owned().into()))
    }

    fn borrowed_text(text: &'de str) -> Option<Self> {
        Some(Self(text.into()))
    }
}

/// A whole number from 0, also as a text or with a fraction of zero.
impl Detail<'_> for u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
    fn scalar(scalar: Scalar) -> Option<Self> {
        let is_whole = |number: f64| number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
        match scalar {
            Scalar::Whole(number) => Some(number),
            Scalar::Real(number) => is_whole(number).then_some(number as Self),
            Scalar::Flag(_) => None,
        }
    }

    fn text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl<'de, T: Deserialize<'de>> Detail<'de> for Vec<T> {
    fn list<A: SeqAccess<'de>>(list: A) -> Result<Option<Self>, A::Error> {
        Self::deserialize(SeqAccessDeserializer::new(list)).map(Some)
    }
}

impl Detail<'_> for ServiceTier {
    fn text(name: &str) -> Option<Self> {
        Some(Self::named(name))
    }
}

impl<'de, T: Detail<'de>> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any(PhantomData))
    }
}

struct Any<T>(PhantomData<T>);

impl<'de, T: Detail<'de>> Visitor<'de> for Any<T> {
    type Value = Lenient<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Lenient::Absent)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(T::scalar(Scalar::Flag(flag)).into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(T::scalar(Scalar::Whole(number)).into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        #[expect(clippy::cast_precision_loss, reason = "only its sign matters: it is negative")]
        let scalar = u64::try_from(number).map_or(Scalar::Real(number as f64), Scalar::Whole);
        Ok(T::scalar(scalar).into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(T::scalar(Scalar::Real(number)).into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(T::text(text).into())
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(T::borrowed_text(text).into())
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        Ok(T::object(object)?.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Ok(T::list(list)?.into())
    }
}

impl<T> From<Option<T>> for Lenient<T> {
    fn from(read: Option<T>) -> Self {
        read.map_or(Self::Unreadable, Self::Read)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_str, value::RawValue};

    use super::*;

    #[derive(Deserialize)]
    struct Fields<'a> {
        #[serde(borrow, default, deserialize_with = "text")]
        text: Option<Text<'a>>,
        #[serde(default, deserialize_with = "number")]
        number: Option<u64>,
        #[serde(borrow, default, deserialize_with = "object")]
        object: Option<Inner<'a>>,
        #[serde(default, deserialize_with = "list")]
        list: Option<Vec<u8>>,
    }

    #[derive(Deserialize)]
    struct Inner<'a> {
        #[serde(borrow)]
        raw: &'a RawValue,
    }

    #[test]
    fn a_value_of_another_type_is_absent_and_the_others_are_read() {
        let values =
            [r#""a""#, "7", "7.5", "-7", "true", "null", "[1]", r#"{"raw":[1, 2]}"#, "[]", r#""9""#, "7.0"];
        for value in values {
            let json = format!(r#"{{"list":{value},"object":{value},"number":{value},"text":{value}}}"#);
            let Fields { text, number, object, list } = from_str(&json).unwrap();
            assert_eq!(text.is_some(), value.starts_with('"'), "{value}");
            let want = match value {
                "7" | "7.0" => Some(7),
                r#""9""# => Some(9),
                _ => None,
            };
            assert_eq!(number, want, "{value}");
            assert_eq!(
                object.map(|it| it.raw.get().to_owned()).as_deref(),
                value.starts_with('{').then_some("[1, 2]")
            );
            assert_eq!(list.is_some(), value.starts_with('['), "{value}");
        }
    }
}
