//! A suite: runs of several datasets, models and prompts, which one file names. Its entries have the options of `runmill run`.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt::Display,
    path::{Path, PathBuf},
};

use clap::Parser;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    cli::{Cli, Command, RunArgs},
    exit::{UsageError, usage},
};

/// Largest number of runs of one suite.
const RUNS_MAX: usize = 1_000;
/// Largest file of a suite.
const BYTES_MAX: u64 = 1 << 20;
/// Options that name files: they are relative to the file of the suite.
const PATHS: [&str; 3] = ["prompt", "system", "prices"];

/// Options by their names.
type Options = BTreeMap<String, Value>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    datasets: Vec<Options>,
    models: Vec<Options>,
    #[serde(default)]
    prompts: Vec<Options>,
    /// Options of all runs.
    #[serde(default)]
    options: Options,
    #[serde(skip)]
    path: PathBuf,
}

/// One run of a suite.
pub struct SuiteRun {
    pub dataset: String,
    pub model: String,
    /// Empty if the suite has no prompts.
    pub prompt: String,
    pub args: Box<RunArgs>,
}

impl Suite {
    /// Returns true if a file is one of a suite, by its name: no dataset has it.
    pub fn is_named_by(path: &Path) -> bool {
        path.extension().is_some_and(|suffix| suffix == "yaml" || suffix == "yml")
    }

    /// Returns the suite that a command names: its file, or its dataset with several models.
    pub fn of(args: &RunArgs) -> anyhow::Result<Self> {
        if Self::is_named_by(&args.dataset) {
            if !args.model.is_empty() {
                return usage("--model: the file of a suite names its models");
            }
            return Self::read(&args.dataset);
        }
        if args.name.is_some() || args.dataset == Path::new("-") {
            return usage("several models take no --name, and no standard input");
        }
        let entry = |option: &str, value: &str| Options::from([(option.to_owned(), value.into())]);
        let file = args.dataset.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self {
            datasets: vec![entry("file", &file)],
            models: args.model.iter().map(|model| entry("model", model)).collect(),
            prompts: Vec::new(),
            options: Options::new(),
            path: args.dataset.clone(),
        })
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let wrong = |fault: &dyn Display| UsageError::new(format_args!("{}: {fault}", path.display()));
        let size = std::fs::metadata(path).map_err(|error| wrong(&error))?.len();
        if size > BYTES_MAX {
            return Err(wrong(&format_args!("a suite has at most {BYTES_MAX} bytes")).into());
        }
        let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
        // A model may be named `n` or `no`, which are truth values in YAML 1.1.
        let strict = serde_saphyr::options! { strict_booleans: true };
        let suite: Self =
            serde_saphyr::from_str_with_options(&text, strict).map_err(|error| wrong(&error))?;
        if suite.datasets.is_empty() || suite.models.is_empty() {
            return Err(wrong(&"`datasets` and `models` need an entry each").into());
        }
        Ok(Self { path: path.to_owned(), ..suite })
    }

    /// Returns each run: every dataset with every model and every prompt. `line` is the command line that names the suite, whose
    /// other options all runs have.
    pub fn runs(&self, line: &[OsString]) -> anyhow::Result<Vec<SuiteRun>> {
        let none = [Options::new()];
        let prompts = if self.prompts.is_empty() { &none[..] } else { &self.prompts };
        let count = self.datasets.len().saturating_mul(self.models.len()).saturating_mul(prompts.len());
        if count > RUNS_MAX {
            return usage(format_args!(
                "{}: {count} runs, and a suite has at most {RUNS_MAX}",
                self.path.display()
            ));
        }
        let mut runs: Vec<SuiteRun> = Vec::with_capacity(count);
        for dataset in &self.datasets {
            for model in &self.models {
                for prompt in prompts {
                    let run = self.run(line, dataset, model, prompt)?;
                    if runs.iter().any(|other| other.args.name == run.args.name) {
                        let name = run.args.name.unwrap_or_default();
                        return usage(format_args!(
                            "{}: two runs are named `{name}`: give a `name`",
                            self.path.display()
                        ));
                    }
                    runs.push(run);
                }
            }
        }
        Ok(runs)
    }

    fn run(
        &self,
        line: &[OsString],
        dataset: &Options,
        model: &Options,
        prompt: &Options,
    ) -> anyhow::Result<SuiteRun> {
        let file = text(dataset, "file").ok_or_else(|| self.fault("a dataset has no `file`"))?;
        let file = self.file(&file);
        let labels = [label(dataset, "file"), label(model, "model"), label(prompt, "prompt")];
        let [dataset_name, model_name, prompt_name] = labels;
        let named = [&dataset_name, &model_name, &prompt_name].map(String::as_str);
        let name = named.into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>().join(", ");

        let path = self.path.as_os_str();
        let mut given: Vec<_> = line
            .iter()
            .map(|part| if part == path { file.clone().into_os_string() } else { part.clone() })
            .collect();
        given.push(format!("--name={name}").into());
        for options in [&self.options, dataset, model, prompt] {
            for (option, value) in
                options.iter().filter(|(option, _)| !["file", "name"].contains(&&***option))
            {
                self.add(&mut given, option, value)?;
            }
        }
        let parsed =
            Cli::try_parse_from(given).map_err(|error| self.fault(format_args!("{name}: {error}")))?;
        let Command::Run(mut args) = parsed.command else {
            return Err(self.fault("the command is no `run`").into());
        };
        // The line has the models of all runs, before that of the entry.
        if matches!(model.get("model"), Some(Value::Array(_))) {
            return Err(self.fault("an entry of `models` has one `model`").into());
        }
        args.model = args.model.pop().into_iter().collect();
        Ok(SuiteRun { dataset: dataset_name, model: model_name, prompt: prompt_name, args })
    }

    /// Adds an option to a command line.
    fn add(&self, given: &mut Vec<OsString>, option: &str, value: &Value) -> anyhow::Result<()> {
        match value {
            Value::Bool(true) => given.push(format!("--{option}").into()),
            Value::Bool(false) | Value::Null => {}
            Value::Array(values) => {
                for value in values {
                    self.add(given, option, value)?;
                }
            }
            Value::String(text) if PATHS.contains(&option) => {
                let mut part = OsString::from(format!("--{option}="));
                part.push(self.file(text));
                given.push(part);
            }
            Value::String(text) => given.push(format!("--{option}={text}").into()),
            Value::Number(_) | Value::Object(_) => given.push(format!("--{option}={value}").into()),
        }
        Ok(())
    }

    /// Returns the path of a file that the suite names.
    fn file(&self, name: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(name)
    }

    fn fault(&self, fault: impl Display) -> UsageError {
        UsageError::new(format_args!("{}: {fault}", self.path.display()))
    }
}

/// Returns a value as it stands in the file, or nearly so.
fn text(options: &Options, name: &str) -> Option<String> {
    match options.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns the name of an entry: its `name`, or the file or value of its main option.
fn label(options: &Options, main: &str) -> String {
    if let Some(name) = text(options, "name") {
        return name;
    }
    let value = text(options, main).or_else(|| text(options, "system")).unwrap_or_default();
    if main == "model" {
        return value;
    }
    Path::new(&value).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite(text: &str) -> anyhow::Result<Suite> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("suite.yaml");
        std::fs::write(&path, text).unwrap();
        Ok(Suite { path: "some/suite.yaml".into(), ..Suite::read(&path)? })
    }

    fn line(more: &[&str]) -> Vec<OsString> {
        ["runmill", "run", "some/suite.yaml"].iter().chain(more).map(OsString::from).collect()
    }

    const TWO: &str = "
datasets:
  - {file: a.jsonl, scorer: numeric}
  - {file: b.csv, name: bees, limit: 5}
models:
  - {model: m, temperature: 0.5, budget: [5usd, 100calls]}
  - {model: n, base-url: 'http://127.0.0.1:1/v1'}
prompts:
  - {prompt: short.j2}
  - {system: careful.txt}
options: {samples: 2, again: true}
";

    #[test]
    fn each_dataset_is_run_with_each_model_and_prompt() {
        let runs = suite(TWO).unwrap().runs(&line(&["--max-failed", "1%"])).unwrap();
        let names: Vec<_> = runs.iter().filter_map(|run| run.args.name.clone()).collect();
        assert_eq!(names.len(), 8);
        assert_eq!(names[0], "a.jsonl, m, short.j2");
        assert_eq!(names[7], "bees, n, careful.txt");
        let (first, last) = (&runs[0].args, &runs[7].args);
        assert_eq!(first.dataset, Path::new("some/a.jsonl"));
        assert_eq!(first.prompt.as_deref(), Some(Path::new("some/short.j2")));
        assert_eq!((first.temperature, first.budget.len(), first.samples), (Some(0.5), 2, Some(2)));
        assert!(first.again && first.gate.max_failed.is_some());
        assert_eq!((last.limit, last.provider.base_url.as_str()), (Some(5), "http://127.0.0.1:1/v1"));
    }

    fn of(line: &[&str]) -> anyhow::Result<Vec<SuiteRun>> {
        let line: Vec<_> = ["runmill", "run"].iter().chain(line).map(OsString::from).collect();
        let Command::Run(args) = Cli::try_parse_from(&line).unwrap().command else { panic!("no run") };
        Suite::of(&args)?.runs(&line)
    }

    #[test]
    fn several_models_are_a_suite_of_one_dataset() {
        let runs = of(&["some/a.csv", "--model", "m", "--temperature=0", "--model=n"]).unwrap();
        let seen = runs.iter().map(|run| (&*run.model, &*run.args.model, run.args.name.as_deref()));
        let want =
            [("m", &["m".to_owned()][..], Some("a.csv, m")), ("n", &["n".to_owned()], Some("a.csv, n"))];
        assert_eq!(seen.collect::<Vec<_>>(), want);
        for run in &runs {
            assert_eq!((&*run.args.dataset, run.args.temperature), (Path::new("some/a.csv"), Some(0.0)));
        }
    }

    #[test]
    fn models_beside_a_suite_or_a_name_are_refused() {
        let table: [(&[&str], &str); 4] = [
            (&["suite.yaml", "--model", "m"], "the file of a suite names its models"),
            (&["a.csv", "--model", "m", "--model", "n", "--name", "x"], "take no --name"),
            (&["-", "--model", "m", "--model", "n"], "no standard input"),
            (&["a.csv", "--model", "m", "--model", "m"], "two runs are named `a.csv, m`"),
        ];
        for (line, want) in table {
            let fault = of(line).err().unwrap().to_string();
            assert!(fault.contains(want), "{line:?}: {fault}");
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let read =
            |text: &str| suite(text).and_then(|suite| suite.runs(&line(&[]))).err().unwrap().to_string();
        let table = [
            ("datasets: []\nmodels: []", "need an entry each"),
            ("datasets: [{file: a}]\nmodels: [{model: m}]\nmodel: x", "model"),
            ("datasets: [{files: a}]\nmodels: [{model: m}]", "a dataset has no `file`"),
            ("datasets: [{file: a}]\nmodels: [{model: m, temprature: 1}]", "--temprature"),
            ("datasets: [{file: a}]\nmodels: [{model: m, temperature: hot}]", "--temperature"),
            (
                "datasets: [{file: a}]\nmodels: [{model: m}, {model: m, temperature: 1}]",
                "two runs are named `a, m`",
            ),
            ("datasets: [{file: a}]\nmodels: [{model: [m, n]}]", "has one `model`"),
            ("datasets: [", "suite.yaml: "),
        ];
        for (text, want) in table {
            assert!(read(text).contains(want), "{text}: {}", read(text));
        }
    }
}
