use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ConfigFault;
use crate::{Generation, ProviderId, Range, RunId, range::number};

/// A model that judges the answers of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Judge {
    pub provider_id: ProviderId,
    /// Name of the model at the provider.
    #[cfg_attr(feature = "openapi", schema(min_length = 1))]
    pub model: String,
    /// A Jinja template with `question`, `choices`, `response`, `reference`, `rubric`, `id` and `meta`, and for `pairwise` with
    /// `first` and `second` instead of `response`. Default: a prompt that states the rubric and the form of the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// What a right answer is, for items without `criteria` of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rubric: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub source: JudgedPart,
    #[serde(default, skip_serializing_if = "is_default")]
    pub verdict: VerdictForm,
    /// For `scale`: lowest and highest verdict. Default: 1 to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub generation: Generation,
}

/// Judges in a run's configuration.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[schema(as = RunConfigJudges)]
#[expect(dead_code, reason = "it is the description of two keys")]
pub struct Judges {
    /// The one judge of the run.
    judge: Option<Judge>,
    /// Judges of the run, 1 to 9, whose verdicts are a vote.
    judges: Option<Vec<Judge>>,
}

/// Part of an answer that a judge sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum JudgedPart {
    /// The whole text, without reasoning.
    #[default]
    Answer,
    /// What the scorer took as the answer, or the whole text if it took nothing.
    Extracted,
}

/// Form of a judge's verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum VerdictForm {
    /// `1` for right and `0` for wrong.
    #[default]
    Binary,
    /// `C` for correct, `P` for partly correct, which counts as 0.5, and `I` for incorrect.
    Grades,
    /// A number of a `scale`, which counts as its place between both ends.
    Scale,
    /// Which of two answers is better: the answer or the reference. Both orders are asked. An answer that wins counts as 1,
    /// and a tie as 0.5; verdicts that change with the order are a tie.
    Pairwise,
}

/// Ends of a scale of verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// Lowest verdict, from 0 to 999.
    #[serde(deserialize_with = "number")]
    pub min: u32,
    /// Highest verdict, from 1 to 1000. It is above `min`.
    #[serde(deserialize_with = "number")]
    pub max: u32,
}

/// Work of a judge's run: the answers of another run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Judging {
    /// Run whose answers are judged.
    pub run_id: RunId,
    pub judge: Judge,
    /// True if the judge was asked for after the run had ended. It draws on no budget of the run.
    #[serde(default)]
    pub is_added: bool,
}

impl VerdictForm {
    /// Returns the number of jobs for one answer.
    pub const fn orders(self) -> u32 {
        match self {
            Self::Pairwise => 2,
            Self::Binary | Self::Grades | Self::Scale => 1,
        }
    }
}

impl Default for Scale {
    fn default() -> Self {
        Self { min: 1, max: 10 }
    }
}

impl Judge {
    /// Largest number of judges of one run.
    pub const COUNT_MAX: usize = 9;
    const SCALE_MIN: Range<u32> = Range::new(0, 999);
    const SCALE_MAX: Range<u32> = Range::new(1, 1_000);
    const RUBRIC_BYTES_MAX: usize = 64 * 1024;

    pub fn scale(&self) -> Scale {
        self.scale.unwrap_or_default()
    }

    /// Returns one fault for each value that is not allowed. Their pointers begin with `place`.
    pub fn faults(&self, place: &str) -> Vec<ConfigFault> {
        let fault = |field: &str, detail: &str| ConfigFault {
            pointer: format!("{place}/{field}"),
            detail: detail.to_owned(),
        };
        let mut faults = Vec::new();
        if self.model.trim().is_empty() {
            faults.push(fault("model", "must name the judge's model"));
        }
        if self.rubric.as_ref().is_some_and(|rubric| rubric.len() > Self::RUBRIC_BYTES_MAX) {
            faults.push(fault("rubric", "has more than 65536 bytes"));
        }
        if let Some(Scale { min, max }) = self.scale {
            faults.extend(Self::SCALE_MIN.fault(format!("{place}/scale/min"), Some(min)));
            faults.extend(Self::SCALE_MAX.fault(format!("{place}/scale/max"), Some(max)));
            if min >= max && Self::SCALE_MIN.contains(min) && Self::SCALE_MAX.contains(max) {
                faults.push(fault("scale", "`max` must be above `min`"));
            }
            if self.verdict != VerdictForm::Scale {
                faults.push(fault("scale", "goes with the verdict `scale` only"));
            }
        }
        let place = format!("{place}/generation");
        faults.extend(
            self.generation.faults().into_iter().map(|found| ConfigFault {
                pointer: format!("{place}{}", found.pointer),
                detail: found.detail,
            }),
        );
        faults
    }

    /// Reads the judges of a run's configuration: `judge`, which is one, or `judges`, which are several.
    pub(super) fn read_all(config: &Map<String, Value>) -> Result<Vec<Self>, Vec<ConfigFault>> {
        let fault =
            |pointer: String, detail: String| Err::<Vec<Self>, _>(vec![ConfigFault { pointer, detail }]);
        let stated = |key: &str| config.get(key).filter(|value| !value.is_null());
        let judges = match (stated("judge"), stated("judges")) {
            (None, None) => return Ok(Vec::new()),
            (Some(_), Some(_)) => {
                return fault("/judges".into(), "does not go with `judge`: name all judges here".into());
            }
            (Some(one), None) => vec![("/judge".to_owned(), one)],
            (None, Some(Value::Array(several))) if (1..=Self::COUNT_MAX).contains(&several.len()) => {
                several.iter().enumerate().map(|(n, one)| (format!("/judges/{n}"), one)).collect()
            }
            (None, Some(_)) => {
                return fault("/judges".into(), format!("must be a list of 1 to {} judges", Self::COUNT_MAX));
            }
        };
        let mut read = Vec::with_capacity(judges.len());
        let mut faults = Vec::new();
        for (place, value) in judges {
            match Self::deserialize(value) {
                Ok(judge) => {
                    faults.extend(judge.faults(&place));
                    read.push(judge);
                }
                Err(error) => faults.push(ConfigFault { pointer: place, detail: error.to_string() }),
            }
        }
        if faults.is_empty() { Ok(read) } else { Err(faults) }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
