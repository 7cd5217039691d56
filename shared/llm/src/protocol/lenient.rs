//! Readers of fields that an answer does not need. A value of another type than expected reads as absent, so that it
//! does not decide over the answer.
//!
//! For use with `#[serde(deserialize_with)]`. Values of the expected type are read as without these functions: nothing
//! is buffered, and texts are borrowed.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{
        IgnoredAny, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};

use super::text::Text;

pub(super) fn text<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Option<Text<'a>>, D::Error> {
    from.deserialize_any(AText)
}

/// Reads a whole number from 0, also from a text or a number with a fraction of zero.
pub(super) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    from.deserialize_any(ANumber)
}

pub(super) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    from.deserialize_any(AnObject(PhantomData))
}

pub(super) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<Vec<T>>, D::Error> {
    from.deserialize_any(AList(PhantomData))
}

struct AText;
struct ANumber;
struct AnObject<T>(PhantomData<T>);
struct AList<T>(PhantomData<T>);

/// Implements the methods of a visitor that read a value of this type as absent.
macro_rules! absent {
    ($($method:ident($of:ty)),*) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any value")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        $(fn $method<E>(self, _: $of) -> Result<Self::Value, E> {
            Ok(None)
        })*
    };
}

macro_rules! absent_list {
    () => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(None)
        }
    };
}

macro_rules! absent_object {
    () => {
        fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
            while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(None)
        }
    };
}

impl<'de> Visitor<'de> for AText {
    type Value = Option<Text<'de>>;

    absent!(visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64));
    absent_list!();
    absent_object!();

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Text(text.into())))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Text(text.to_owned().into())))
    }
}

impl<'de> Visitor<'de> for ANumber {
    type Value = Option<u64>;

    absent!(visit_bool(bool));
    absent_list!();
    absent_object!();

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(u64::try_from(number).ok())
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        let is_whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
        Ok(is_whole.then_some(number as u64))
    }

    fn visit_str<E>(self, number: &str) -> Result<Self::Value, E> {
        Ok(number.parse().ok())
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for AnObject<T> {
    type Value = Option<T>;

    absent!(visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64), visit_str(&str));
    absent_list!();

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object)).map(Some)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for AList<T> {
    type Value = Option<Vec<T>>;

    absent!(visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64), visit_str(&str));
    absent_object!();

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Some)
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
