use crate::Finish;

/// End of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    Finish(Finish),
    /// The model or its server failed for this reason. A retry may succeed.
    Fault(String),
}

impl End {
    /// Reads a `finishReason`, and the `finishMessage` that explains it. Returns `None` if the candidate has not
    /// ended.
    pub fn read(reason: &str, message: &str) -> Option<Self> {
        Some(Self::Finish(match reason {
            "" | "FINISH_REASON_UNSPECIFIED" => return None,
            "STOP" => Finish::Stop,
            "MAX_TOKENS" => Finish::Length,
            "SAFETY"
            | "RECITATION"
            | "LANGUAGE"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "MODEL_ARMOR"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION" => Finish::ContentFilter,
            "MALFORMED_FUNCTION_CALL"
            | "MALFORMED_RESPONSE"
            | "UNEXPECTED_TOOL_CALL"
            | "TOO_MANY_TOOL_CALLS"
            | "MISSING_THOUGHT_SIGNATURE" => {
                return Some(Self::Fault(format!("it ends with {reason} {message}").trim_end().to_owned()));
            }
            _ => Finish::Other,
        }))
    }
}
