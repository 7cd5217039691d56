//! Schema of a run's configuration for the API document. Its known keys are those of four types.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{AllOfBuilder, Ref, RefOr, Schema},
};

use super::{JobConfig, RunConfig, judge::Judges, numbers::Numbers, scorers::Scorers};
use crate::Generation;

const DESCRIPTION: &str = "A run's configuration. Keys that runmill does not know are kept. `sampling` is another name \
    of `generation`; where neither is given, its parameters may stand at the top level. No call starts after \
    `deadline` (RFC 3339). `unscored` says how answers count that the scorer could not read: `skip`, the default, leaves them \
    out of the mean, and `zero` counts them as 0. `reuse: \"exact\"` takes over answers that earlier runs have for the same \
    requests; the default, `none`, calls the model for all. `judge` is a model that judges each answer, and `judges` has several: see \
    docs/judges.md.";

impl PartialSchema for RunConfig {
    fn schema() -> RefOr<Schema> {
        AllOfBuilder::new()
            .description(Some(DESCRIPTION))
            .item(Ref::from_schema_name(JobConfig::name()))
            .item(Ref::from_schema_name(Numbers::name()))
            .item(Ref::from_schema_name(Judges::name()))
            .item(Ref::from_schema_name(Scorers::name()))
            .item(Ref::from_schema_name(Generation::name()))
            .into()
    }
}

impl ToSchema for RunConfig {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((JobConfig::name().into(), JobConfig::schema()));
        JobConfig::schemas(schemas);
        schemas.push((Numbers::name().into(), Numbers::schema()));
        schemas.push((Judges::name().into(), Judges::schema()));
        Judges::schemas(schemas);
        schemas.push((Scorers::name().into(), Scorers::schema()));
        Scorers::schemas(schemas);
    }
}
