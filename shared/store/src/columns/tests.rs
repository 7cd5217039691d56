use super::{
    AnyRow, Cells, Dialect, Value, columns, inserted, push_updated,
    sql::{insert, insert_arrays, select, update},
};
use crate::StoreError;

#[derive(Clone, Debug, PartialEq)]
struct Order {
    id: u32,
    amount: u64,
    coupon: Option<Coupon>,
    is_open: bool,
    notes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Coupon {
    price: i64,
    code: Option<String>,
}

/// An order with the values that only its row has.
struct NewOrder {
    shop: u32,
    order: Order,
}

columns! {
    Order from NewOrder, keys (shop) {
        fixed id = order.id,
        updated amount = order.amount,
        group coupon = order.coupon,
        updated is_open = order.is_open,
        ; else notes
    }
}

columns! {
    Coupon {
        updated price as coupon_price,
        fixed code,
    }
}

struct Row(Vec<Value<'static>>);

impl AnyRow for Row {
    fn value(&self, index: usize) -> Result<Value<'_>, StoreError> {
        Ok(self.0[index].clone())
    }
}

fn order(coupon: Option<Coupon>) -> Order {
    Order { id: 7, amount: 80, coupon, is_open: false, notes: Vec::new() }
}

fn coupon() -> Coupon {
    Coupon { price: 3, code: Some("fox".into()) }
}

#[test]
fn statements_list_the_columns_that_take_part_in_them() {
    assert_eq!(
        select::<Order>("orders.get", "orders", "WHERE id = $1"),
        "SELECT /* orders.get */ orders.id, orders.amount, orders.coupon_price, orders.code, orders.is_open\n\
         FROM orders\nWHERE id = $1"
    );
    assert_eq!(
        insert::<Order>(Dialect::Sqlite, "orders.insert", "orders", ""),
        "INSERT /* orders.insert */ INTO orders (shop, id, amount, coupon_price, code, is_open)\n\
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    );
    assert_eq!(
        update::<Order>(Dialect::Postgres, "orders.save", "orders", 2, "WHERE id = $1"),
        "UPDATE /* orders.save */ orders\nSET amount = $2, coupon_price = $3, is_open = $4\nWHERE id = $1"
    );
    assert_eq!(
        insert_arrays::<Order>("orders.insert", "orders", "ON CONFLICT DO NOTHING"),
        "INSERT /* orders.insert */ INTO orders (shop, id, amount, coupon_price, code, is_open)\nSELECT *\n\
         FROM unnest($1::integer[], $2::integer[], $3::bigint[], $4::bigint[], $5::text[], $6::boolean[])\n\
         ON CONFLICT DO NOTHING"
    );
}

#[test]
fn values_are_in_the_order_of_the_columns() {
    let new = NewOrder { shop: 1, order: order(Some(coupon())) };
    let (price, code, is_open) = (Value::Int(3), Value::Text("fox".into()), Value::Bool(false));

    let mut updated = vec![Value::Int(7)];
    push_updated::<Order>(&mut updated, &new);

    assert_eq!(updated, [Value::Int(7), Value::Int(80), price.clone(), is_open.clone()]);
    let want = [Value::Int(1), Value::Int(7), Value::Int(80), price, code, is_open];
    assert_eq!(inserted::<Order>(&new), want);
    let without = NewOrder { shop: 1, order: order(None) };
    assert_eq!(inserted::<Order>(&without)[3..5], [Value::Null, Value::Null]);
}

#[test]
fn a_record_is_read_from_the_values_that_were_written() {
    for coupon in [None, Some(coupon()), Some(Coupon { code: None, ..coupon() })] {
        let new = NewOrder { shop: 1, order: order(coupon) };
        // Keys are not read.
        let read = inserted::<Order>(&new).into_iter().skip(1).map(|value| match value {
            Value::Text(text) => Value::Text(text.into_owned().into()),
            Value::Int(number) => Value::Int(number),
            Value::Bool(is_true) => Value::Int(is_true.into()),
            _ => Value::Null,
        });

        assert_eq!(Cells::new(&Row(read.collect())).record::<Order>().unwrap(), new.order);
    }
}

#[test]
fn a_value_that_cannot_be_read_names_its_column() {
    let row = Row(vec![Value::Int(-1)]);
    let error = Cells::new(&row).take::<u32>("amount").unwrap_err().to_string();
    assert!(error.contains("column amount"), "{error}");
}
