//! Details of an answer that are read if possible. One that is not as expected is marked, and never an error: the
//! answer does not depend on it.

use std::{fmt, marker::PhantomData};

use runmill_pricing::ServiceTier;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

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
