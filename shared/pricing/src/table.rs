use std::{collections::HashMap, fmt, iter, sync::LazyLock};

use crate::{Price, PriceTableError, Seller, format, name};

/// Prices by model: the user's and the built-in ones. The user's take precedence.
#[derive(Default)]
pub struct PriceTable {
    /// Prices by the model's name in the user's table.
    users: HashMap<String, Price>,
}

// Shows only the number of prices, because a log with thousands of them would be useless.
impl fmt::Debug for PriceTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PriceTable").field("users", &self.users.len()).finish_non_exhaustive()
    }
}

static BUILT_IN: LazyLock<HashMap<String, Price>> =
    LazyLock::new(|| format::read(include_str!("built_in.json")).expect("a test reads the same file"));

impl PriceTable {
    /// Returns a table with only the built-in prices.
    pub fn built_in() -> Self {
        Self::default()
    }

    /// Reads the user's prices from `text`, in runmill's format or LiteLLM's.
    pub fn load(text: &str) -> Result<Self, PriceTableError> {
        format::read(text).map(|users| Self { users })
    }

    /// Returns the price of `model`, which has the name that the run gives.
    ///
    /// It looks up these names in turn, each in the user's table and then in the built-in one: the name; the bare
    /// name with each prefix of the seller, and without; for vendors, all of these without the date or `-latest` at
    /// the end. A model of a self-hosted server therefore has a price only if an entry has exactly its name, or if
    /// the prefix in its name is a vendor's.
    pub fn price(&self, seller: impl Into<Seller>, model: &str) -> Option<&Price> {
        let seller = seller.into();
        self.exact(seller, model).or_else(|| {
            let alias = name::alias(seller.bare(model)).filter(|_| seller.dates_its_models())?;
            self.exact(seller, alias)
        })
    }

    fn exact(&self, seller: Seller, model: &str) -> Option<&Price> {
        let names: Vec<_> = iter::once(model.to_owned()).chain(seller.names(seller.bare(model))).collect();
        [&self.users, &*BUILT_IN].into_iter().find_map(|table| names.iter().find_map(|name| table.get(name)))
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::api::ProviderKind::{self, Anthropic, Custom, Google, Openai};

    use super::*;
    use crate::{part::Part, rates::Rate};

    /// Returns a table in which the input price of each model, in dollars, is its position from 1.
    fn table(models: &[&str]) -> PriceTable {
        let entry =
            |(place, model): (usize, &&str)| format!(r#""{model}": {{"input": {}, "output": 0}}"#, place + 1);
        let entries: Vec<_> = models.iter().enumerate().map(entry).collect();
        PriceTable::load(&format!(r#"{{"models": {{{}}}}}"#, entries.join(", "))).unwrap()
    }

    fn input(price: Option<&Price>) -> Option<Rate> {
        price?.standard.rates.get(Part::Input)
    }

    /// Returns the position of the model in a [`table`] from which a price is.
    fn place(price: Option<&Price>) -> Option<u64> {
        input(price).map(|rate| rate.0 / 1_000_000)
    }

    #[test]
    fn a_vendors_model_is_found_by_every_name_it_goes_by() {
        let table = table(&[
            "openai/x1",
            "anthropic/x2",
            "gemini/x3",
            "vertex_ai/x4",
            "x5",
            "openai/x6-2024-05-13",
            "openai/x6",
        ]);
        let rows: [(ProviderKind, &str, Option<u64>); 18] = [
            (Openai, "x1", Some(1)),
            (Openai, "openai/x1", Some(1)),
            (Openai, "x1-2026-01-31", Some(1)),
            (Openai, "openai/x1-latest", Some(1)),
            (Openai, "ft:x1:me::1", None),
            (Openai, "x6-2024-05-13", Some(6)),
            (Openai, "x6-2024-08-06", Some(7)),
            (Openai, "x2", None),
            (Openai, "anthropic/x2-20260131", Some(2)),
            (Anthropic, "x2-20260131", Some(2)),
            (Google, "x3", Some(3)),
            (Google, "models/x3", Some(3)),
            (Google, "x4@20260131", Some(4)),
            (Google, "gemini/x4", Some(4)),
            (Openai, "x5", Some(5)),
            (Openai, "openai/x5-latest", Some(5)),
            (Openai, "x", None),
            (Openai, "", None),
        ];
        for (kind, model, want) in rows {
            assert_eq!(place(table.price(kind, model)), want, "{kind:?} {model}");
        }
    }

    #[test]
    fn a_server_of_ones_own_sells_no_look_alike() {
        let table = table(&["openai/gpt-4o", "mistral/small", "my-llama", "hosted_vllm/qwen"]);
        let rows = [
            ("gpt-4o", None),
            ("gpt-4o-mini", None),
            ("openai/gpt-4o", Some(1)),
            ("openai/gpt-4o-2024-08-06", None),
            ("mistral/small", Some(2)),
            ("small", None),
            ("my-llama", Some(3)),
            ("hosted_vllm/my-llama", Some(3)),
            ("custom_openai/my-llama", Some(3)),
            ("openai/my-llama", None),
            ("my-llama-2026-01-31", None),
            ("my-llama-latest", None),
            ("my-llama-2", None),
            ("qwen", Some(4)),
        ];
        for (model, want) in rows {
            assert_eq!(place(table.price(Custom, model)), want, "{model}");
        }
        let at = |base_url| place(table.price(Seller::at(Custom, base_url), "small-2026-01-31"));
        assert_eq!(at("https://api.mistral.ai/v1"), Some(2));
        assert_eq!(at("https://mistral.example.org/v1"), None);
    }

    #[test]
    fn a_users_price_wins_model_by_model_and_an_exact_name_over_an_alias() {
        let table = table(&["gpt-4o", "openai/gpt-4o-mini"]);
        let input = |model| input(table.price(Openai, model)).map(|rate| rate.0);
        for (model, want) in [
            ("openai/gpt-4o", 1_000_000),
            ("gpt-4o-2024-08-06", 1_000_000),
            ("gpt-4o-2024-05-13", 5_000_000),
            ("gpt-4o-mini", 2_000_000),
            ("gpt-4.1", 2_000_000),
            ("gpt-4.1-mini-2025-04-14", 400_000),
        ] {
            assert_eq!(input(model), Some(want), "{model}");
        }
    }

    #[test]
    fn the_built_in_prices_are_read_and_named() {
        let table = PriceTable::built_in();

        for (kind, model) in [
            (Openai, "gpt-4o-mini-2024-07-18"),
            (Anthropic, "claude-sonnet-4-5-20250929"),
            (Google, "gemini-2.5-flash"),
            (Custom, "groq/openai/gpt-oss-120b"),
        ] {
            let price = table.price(kind, model).expect(model);
            assert!(price.source().contains("LiteLLM 1.110.2"), "{}", price.source());
            let rates = price.standard.rates;
            assert!(
                rates.get(Part::Output) > rates.get(Part::Input) && price.max_output().is_some(),
                "{model}"
            );
        }
        assert!(BUILT_IN.len() > 60);
        // A name without a prefix could be a model of any server.
        assert!(BUILT_IN.keys().all(|name| name.contains('/')));
    }
}
