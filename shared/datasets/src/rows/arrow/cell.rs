use std::sync::Arc;

use arrow_array::{
    AnyDictionaryArray, Array, ArrowPrimitiveType,
    cast::AsArray,
    downcast_dictionary_array,
    types::{
        Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, DecimalType,
        DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType,
        Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
        Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType,
        TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
        UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};
use arrow_schema::{DataType, TimeUnit};

use crate::{
    Cell, RowFault,
    row::Fields,
    rows::{
        bounds::Budget,
        value::{bytes, float},
    },
    time::{self, Unit},
};

type Read = Result<Cell, RowFault>;

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// Returns a value of a column.
pub fn of(array: &dyn Array, row: usize, budget: &mut Budget) -> Read {
    if array.is_null(row) {
        budget.take(0)?;
        return Ok(Cell::Missing);
    }
    match array.data_type() {
        DataType::List(_) => list(&*array.as_list::<i32>().value(row), budget),
        DataType::LargeList(_) => list(&*array.as_list::<i64>().value(row), budget),
        DataType::ListView(_) => list(&*array.as_list_view::<i32>().value(row), budget),
        DataType::LargeListView(_) => list(&*array.as_list_view::<i64>().value(row), budget),
        DataType::FixedSizeList(..) => list(&*array.as_fixed_size_list().value(row), budget),
        DataType::Struct(fields) => {
            let columns = fields.iter().zip(array.as_struct().columns());
            let cells = columns.map(|(field, column)| {
                budget.take(field.name().len())?;
                Ok((Arc::from(field.name().as_str()), of(column, row, budget)?))
            });
            Ok(Cell::Object(cells.collect::<Result<Fields, RowFault>>()?))
        }
        DataType::Map(..) => map(&array.as_map().value(row), budget),
        DataType::Dictionary(..) => {
            let key = downcast_dictionary_array!(array => array.key(row), _ => None);
            let values = array.as_any_dictionary_opt().map(AnyDictionaryArray::values);
            match (values, key) {
                (Some(values), Some(key)) => of(values, key, budget),
                _ => Ok(Cell::Missing),
            }
        }
        _ => {
            let cell = scalar(array, row, budget)?;
            if !matches!(cell, Cell::Text(_)) {
                budget.take(0)?;
            }
            Ok(cell)
        }
    }
}

fn list(items: &dyn Array, budget: &mut Budget) -> Read {
    budget.take(0)?;
    Ok(Cell::List((0..items.len()).map(|row| of(items, row, budget)).collect::<Result<_, _>>()?))
}

/// Returns the entries of a map, which stand in a column of keys and one of values, as an object.
fn map(entries: &dyn Array, budget: &mut Budget) -> Read {
    let [keys, values] = entries.as_struct().columns() else { return Ok(unread(entries)) };
    let entries = (0..entries.len()).map(|row| {
        let key = of(keys, row, budget)?;
        Ok((Arc::from(key.scalar().unwrap_or_default()), of(values, row, budget)?))
    });
    Ok(Cell::Object(entries.collect::<Result<Fields, RowFault>>()?))
}

fn scalar(array: &dyn Array, row: usize, budget: &mut Budget) -> Read {
    let mut text = |text: &str| {
        budget.take(text.len())?;
        Ok(Cell::Text(text.to_owned()))
    };
    match array.data_type() {
        DataType::Utf8 => return text(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => return text(array.as_string::<i64>().value(row)),
        DataType::Utf8View => return text(array.as_string_view().value(row)),
        DataType::Binary => return bytes(array.as_binary::<i32>().value(row), budget),
        DataType::LargeBinary => return bytes(array.as_binary::<i64>().value(row), budget),
        DataType::BinaryView => return bytes(array.as_binary_view().value(row), budget),
        DataType::FixedSizeBinary(_) => return bytes(array.as_fixed_size_binary().value(row), budget),
        _ => {}
    }
    Ok(match array.data_type() {
        DataType::Null => Cell::Missing,
        DataType::Boolean => Cell::Bool(array.as_boolean().value(row)),
        DataType::Int8 => number::<Int8Type>(array, row),
        DataType::Int16 => number::<Int16Type>(array, row),
        DataType::Int32 => number::<Int32Type>(array, row),
        DataType::Int64 => number::<Int64Type>(array, row),
        DataType::UInt8 => number::<UInt8Type>(array, row),
        DataType::UInt16 => number::<UInt16Type>(array, row),
        DataType::UInt32 => number::<UInt32Type>(array, row),
        DataType::UInt64 => number::<UInt64Type>(array, row),
        DataType::Float16 => {
            let value = value::<Float16Type>(array, row);
            float(value.into(), format!("{value:?}"))
        }
        DataType::Float32 => {
            let value = value::<Float32Type>(array, row);
            float(value.into(), format!("{value:?}"))
        }
        DataType::Float64 => {
            let value = value::<Float64Type>(array, row);
            float(value, format!("{value:?}"))
        }
        DataType::Decimal32(..) => decimal::<Decimal32Type>(array, row),
        DataType::Decimal64(..) => decimal::<Decimal64Type>(array, row),
        DataType::Decimal128(..) => decimal::<Decimal128Type>(array, row),
        DataType::Decimal256(..) => decimal::<Decimal256Type>(array, row),
        DataType::Date32 => time::date(value::<Date32Type>(array, row).into()),
        DataType::Date64 => time::date(value::<Date64Type>(array, row).div_euclid(DAY_MILLIS)),
        DataType::Timestamp(unit, zone) => {
            let (value, unit) = timestamp(array, row, *unit);
            time::timestamp(value, unit, zone.is_some())
        }
        DataType::Time32(TimeUnit::Second) => {
            time::of_day(value::<Time32SecondType>(array, row).into(), Unit::Seconds)
        }
        DataType::Time32(_) => time::of_day(value::<Time32MillisecondType>(array, row).into(), Unit::Millis),
        DataType::Time64(TimeUnit::Microsecond) => {
            time::of_day(value::<Time64MicrosecondType>(array, row), Unit::Micros)
        }
        DataType::Time64(_) => time::of_day(value::<Time64NanosecondType>(array, row), Unit::Nanos),
        // As Parquet has them: the number of units.
        DataType::Duration(unit) => Cell::Number(duration(array, row, *unit).to_string()),
        _ => unread(array),
    })
}

fn value<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> T::Native {
    array.as_primitive::<T>().value(row)
}

fn number<T: ArrowPrimitiveType<Native: ToString>>(array: &dyn Array, row: usize) -> Cell {
    Cell::Number(value::<T>(array, row).to_string())
}

fn decimal<T: DecimalType + ArrowPrimitiveType>(array: &dyn Array, row: usize) -> Cell {
    Cell::Number(array.as_primitive::<T>().value_as_string(row))
}

fn timestamp(array: &dyn Array, row: usize, unit: TimeUnit) -> (i64, Unit) {
    match unit {
        TimeUnit::Second => (value::<TimestampSecondType>(array, row), Unit::Seconds),
        TimeUnit::Millisecond => (value::<TimestampMillisecondType>(array, row), Unit::Millis),
        TimeUnit::Microsecond => (value::<TimestampMicrosecondType>(array, row), Unit::Micros),
        TimeUnit::Nanosecond => (value::<TimestampNanosecondType>(array, row), Unit::Nanos),
    }
}

fn duration(array: &dyn Array, row: usize, unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => value::<DurationSecondType>(array, row),
        TimeUnit::Millisecond => value::<DurationMillisecondType>(array, row),
        TimeUnit::Microsecond => value::<DurationMicrosecondType>(array, row),
        TimeUnit::Nanosecond => value::<DurationNanosecondType>(array, row),
    }
}

fn unread(array: &dyn Array) -> Cell {
    Cell::Unread(array.data_type().to_string())
}
