//! Prints the costs of usages, for a comparison with another program's.
//!
//! The first line of the input is a price table, each further line a usage of a model:
//! `{"name", "usage", "service", "place", "fast", "at"}`. The output has a line for each: `{"nanousd"}`, or `{"unknown"}`
//! with the reason.

use std::{error::Error, io};

use runmill_pricing::{Hours, Place, PriceTable, ServiceTier, Terms};
use runmill_proto::{Usage, api::ProviderKind};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let mut lines = io::stdin().lines();
    let table = PriceTable::load(&lines.next().ok_or("the price table is missing")??)?;
    for line in lines {
        println!("{}", cost(&table, &serde_json::from_str(&line?)?)?);
    }
    Ok(())
}

fn cost(table: &PriceTable, asked: &Value) -> Result<Value, Box<dyn Error>> {
    let text = |field: &str| asked[field].as_str().ok_or_else(|| format!("`{field}` is no text"));
    let usage: Usage = serde_json::from_value(asked["usage"].clone())?;
    let place = match text("place")? {
        "eu" => Place::Eu,
        "us" => Place::Us,
        "fedramp" => Place::FedRamp,
        "regional" => Place::Regional,
        _ => Place::Global,
    };
    let terms = Terms {
        service: ServiceTier::named(text("service")?),
        place,
        fast: asked["fast"] == true,
        hours: Hours::At(text("at")?.parse()?),
    };
    let Some(price) = table.price(ProviderKind::Custom, text("name")?) else {
        return Ok(json!({ "unknown": "the table has no price for the model" }));
    };
    Ok(match price.cost(&usage, terms) {
        Ok(nanousd) => json!({ "nanousd": nanousd }),
        Err(unpriced) => json!({ "unknown": unpriced.to_string() }),
    })
}
