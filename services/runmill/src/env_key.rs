use runmill_config::Env;
use runmill_proto::api::NewApiKey;

use crate::exit::usage;

/// Returns the key or token in a variable of the environment, without white space around it, which files and copies
/// add. `None` if there is none. A value that cannot be a key is an error that names the variable.
pub fn env_key(env: &Env, variable: &str) -> anyhow::Result<Option<String>> {
    let Some(key) = env.get(variable).map(str::trim).filter(|key| !key.is_empty()) else { return Ok(None) };
    match NewApiKey::value_fault(key) {
        None => Ok(Some(key.to_owned())),
        Some(fault) => usage(format_args!("the value of the variable {variable} {fault}; copy it again")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(value: &str) -> anyhow::Result<Option<String>> {
        env_key(&[("OPENAI_API_KEY", value)].into_iter().collect(), "OPENAI_API_KEY")
    }

    #[test]
    fn white_space_around_a_key_is_no_part_of_it() {
        for value in ["sk-test", "sk-test\n", "sk-test\r\n", " sk-test\t"] {
            assert_eq!(key(value).unwrap().as_deref(), Some("sk-test"), "{value:?}");
        }
        assert_eq!(key(" \n").unwrap(), None);
    }

    #[test]
    fn what_is_no_key_is_refused_with_the_variables_name() {
        for (value, want) in [
            ("sk-te st", "must have only visible ASCII"),
            ("\"sk-test\"", "must have no quotes"),
            ("'sk-test' ", "must have no quotes"),
            ("sk-téé", "must have only visible ASCII"),
        ] {
            let error = key(value).unwrap_err().to_string();
            assert!(error.contains("variable OPENAI_API_KEY") && error.contains(want), "{error}");
            assert!(!error.contains("sk-"), "{error}");
        }
    }
}
