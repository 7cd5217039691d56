use super::*;

fn fixes(status: u16, param: &str, message: &str) -> Vec<Fix> {
    Refusal { status, code: "", param, message }.fixes().fixes().collect()
}

#[test]
fn a_sampling_parameter_that_is_refused_is_left_out() {
    use Fix::{
        NoFrequencyPenalty, NoPresencePenalty, NoRepeatPenalty, NoSeed, NoTemperature, NoTopK, NoTopP,
    };
    let table: &[(&str, &[Fix])] = &[
        (
            "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.",
            &[NoTemperature],
        ),
        (
            "litellm.UnsupportedParamsError: anthropic does not support parameters: ['seed'], for model=claude",
            &[NoSeed],
        ),
        ("does not support parameters: ['seed', 'frequency_penalty']", &[NoSeed, NoFrequencyPenalty]),
        ("gpt-5 models don't support temperature=0. Only temperature=1 is supported.", &[NoTemperature]),
        (
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
            &[NoTopP],
        ),
        (
            "body.top_k: Extra inputs are not permitted; body.repeat_penalty: Extra inputs are not permitted",
            &[NoTopK, NoRepeatPenalty],
        ),
        ("Argument not supported on this model: presencePenalty", &[NoPresencePenalty]),
        ("Penalty is not enabled for this model", &[NoPresencePenalty, NoFrequencyPenalty]),
        ("invalid temperature: only 1 is allowed for this model", &[NoTemperature]),
        (
            "Invalid JSON payload received. Unknown name \"topK\" at 'generation_config': Cannot find field.",
            &[NoTopK],
        ),
        ("body.random_seed: Extra inputs are not permitted", &[NoSeed]),
    ];
    for (message, want) in table {
        assert_eq!(fixes(400, "", message), *want, "{message}");
    }
    assert_eq!(fixes(422, "top_p", "top_p is not supported with this temperature"), [NoTopP]);
    let quoted = "tool_choice is not supported; the request was {'seed': 7, 'temperature': 0}";
    assert_eq!(fixes(400, "tool_choice", quoted), [], "what a message quotes is not refused");
}

#[test]
fn what_has_to_be_corrected_or_changes_the_answer_is_no_refusal_of_a_parameter() {
    let table = [
        (400, "temperature must be between 0 and 1"),
        (400, "Unsupported value: temperature 3, it should be at most 2"),
        (400, "Invalid 'temperature': decimal above maximum value"),
        (400, "'stop' is not supported with this model"),
        (400, "'response_format' of type 'json_schema' is not supported with this model"),
        (400, "top_logprobs is not supported"),
        (400, "seeds are not supported"),
        (429, "temperature is not supported"),
        (500, "temperature is not supported"),
    ];
    for (status, message) in table {
        assert_eq!(fixes(status, "", message), [], "{message}");
    }
}

#[test]
fn a_system_role_that_is_refused_goes_into_the_question() {
    let table = [
        (400, "System role not supported"),
        (422, "Template error: System role not supported"),
        (500, "Jinja Exception: System role not supported"),
        (400, "Unsupported value: 'messages[0].role' does not support 'system' with this model."),
        (400, "Developer instruction is not enabled for models/gemma-3-27b-it"),
        (400, "Conversation roles must alternate user/assistant/user/assistant/..."),
    ];
    for (status, message) in table {
        assert_eq!(fixes(status, "", message), [Fix::SystemInQuestion], "{message}");
    }
}

#[test]
fn an_unknown_model_may_have_another_name() {
    let table = [
        (400, "You passed in model=small. There are no healthy deployments for this model."),
        (400, "/chat/completions: Invalid model name passed in model=small"),
        (404, "The model `openai/small` does not exist."),
        (404, "model 'ollama/small' not found"),
    ];
    for (status, message) in table {
        assert_eq!(fixes(status, "", message), [Fix::FullModelName, Fix::ShortModelName], "{message}");
    }
    assert_eq!(fixes(404, "", "Not Found"), []);
}
