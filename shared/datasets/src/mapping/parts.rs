use super::{AnswerFrom, ChoicesFrom, MapError, Mapping, Reading, path::Path};

/// Parses the value of `--map`: `question=prompt,answer=label:index1,choices=A|B|C|D,id=key`. Double quotes around a name
/// take it as it stands.
pub fn parse(text: &str) -> Result<Mapping, MapError> {
    let mut mapping = Mapping::default();
    for pair in pairs(text)? {
        let Some((part, name)) = pair.split_once('=') else { return Err(MapError::NotPair(pair)) };
        let (part, name) = (part.trim(), name.trim());
        let is_given = match part {
            "question" => !mapping.question.is_empty(),
            "answer" => mapping.answer.is_some(),
            "choices" => mapping.choices.is_some(),
            "id" => mapping.id.is_some(),
            part => return Err(MapError::UnknownPart(part.to_owned())),
        };
        if is_given {
            return Err(MapError::Twice(part.to_owned()));
        }
        if name.trim_matches('"').is_empty() {
            return Err(MapError::NotPair(pair.clone()));
        }
        match part {
            "question" => mapping.question = vec![path(name)],
            "answer" => mapping.answer = Some(answer(name)),
            "choices" => mapping.choices = Some(choices(name)),
            _ => mapping.id = Some(path(name)),
        }
    }
    if mapping.question.is_empty() { Err(MapError::NoQuestion) } else { Ok(mapping) }
}

/// Divides a text at its commas that are not between double quotes.
fn pairs(text: &str) -> Result<Vec<String>, MapError> {
    let mut pairs = vec![String::new()];
    let mut is_quoted = false;
    for char in text.chars() {
        is_quoted ^= char == '"';
        match pairs.last_mut() {
            Some(last) if char != ',' || is_quoted => last.push(char),
            _ => pairs.push(String::new()),
        }
    }
    if is_quoted { Err(MapError::Quote(text.to_owned())) } else { Ok(pairs) }
}

fn unquoted(name: &str) -> Option<&str> {
    name.strip_prefix('"')?.strip_suffix('"')
}

fn path(name: &str) -> Path {
    Path::new(unquoted(name).unwrap_or(name))
}

fn answer(name: &str) -> AnswerFrom {
    let kind = name.rsplit_once(':').and_then(|(name, kind)| Some((name, Reading::named(kind.trim())?)));
    match kind {
        Some((name, reading)) => AnswerFrom::Field(path(name.trim()), reading),
        None => AnswerFrom::Field(path(name), Reading::Auto),
    }
}

fn choices(name: &str) -> ChoicesFrom {
    match name.split('|').collect::<Vec<_>>().as_slice() {
        names @ [_, _, ..] if unquoted(name).is_none() || name.matches('"').count() > 2 => {
            ChoicesFrom::Columns(names.iter().map(|name| path(name.trim())).collect())
        }
        _ => ChoicesFrom::Field(path(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_with_their_readings_columns_and_quotes() {
        let map = parse(r#"question="question, text", answer=key:index1,choices=A|B,id=n"#).unwrap();
        assert_eq!(map.question, [Path::new("question, text")]);
        assert_eq!(map.answer, Some(AnswerFrom::Field(Path::new("key"), Reading::Index1)));
        assert_eq!(map.choices, Some(ChoicesFrom::Columns(vec![Path::new("A"), Path::new("B")])));
        assert_eq!(map.id, Some(Path::new("n")));

        let map = parse(r#"question=q,answer="a:text",choices="A|B""#).unwrap();
        assert_eq!(map.answer, Some(AnswerFrom::Field(Path::new("a:text"), Reading::Auto)));
        assert_eq!(map.choices, Some(ChoicesFrom::Field(Path::new("A|B"))));
    }

    #[test]
    fn a_map_that_is_wrong_says_how() {
        for (text, want) in [
            ("answer=a", "it needs question=FIELD"),
            ("question=q,colour=c", "`colour` is not one of question, answer, choices, id"),
            ("question", "`question` is not PART=FIELD"),
            ("question=", "`question=` is not PART=FIELD"),
            ("question=q,choices=A,choices=B", "`choices` is given twice"),
            ("question=\"q", "`question=\"q` has no second quotation mark"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), want);
        }
    }
}
