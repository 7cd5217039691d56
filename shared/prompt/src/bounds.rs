use minijinja::{
    machinery::{Token, tokenize},
    syntax::SyntaxConfig,
};

use crate::PromptError;

/// Largest size of a template, in bytes.
pub const BYTES_MAX: usize = 128 * 1024;
/// Largest number of names, values and signs between one pair of braces.
pub const PARTS_MAX: usize = 300;
/// Largest number of `elif` in a template.
pub const ELIFS_MAX: usize = 100;

/// Checks that a template is small enough to be compiled in a bounded time and on a thread's stack. The bounds are far above
/// what a prompt needs.
pub fn check(template: &str) -> Result<(), PromptError> {
    if template.len() > BYTES_MAX {
        return Err(PromptError::TooLong(template.len()));
    }
    let (mut parts, mut elifs) = (0, 0);
    for token in tokenize(template, false, SyntaxConfig::default()) {
        // The compiler reports text that is no token, and reads no further either.
        let Ok((token, span)) = token else { return Ok(()) };
        match token {
            Token::TemplateData(_) | Token::VariableStart | Token::BlockStart => parts = 0,
            Token::Ident("elif") => elifs += 1,
            _ => parts += 1,
        }
        if parts > PARTS_MAX {
            return Err(PromptError::TooManyParts(span.start_line.into()));
        }
        if elifs > ELIFS_MAX {
            return Err(PromptError::TooManyElifs);
        }
    }
    Ok(())
}
