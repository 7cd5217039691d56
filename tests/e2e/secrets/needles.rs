use std::fmt::Write;

pub const KEY: &str = "sk-planted-4f9a1c77e0b24d5a91c3";
pub const HEADER: &str = "team-planted-7be21d90c35f48aa06e7";

/// Returns the texts that must not be found: each secret and its middle, in plain text, hexadecimal and base64.
fn needles() -> Vec<Vec<u8>> {
    let mut needles = Vec::new();
    for secret in [KEY, HEADER] {
        let middle = &secret.as_bytes()[8..secret.len() - 4];
        for part in [secret.as_bytes(), middle] {
            needles.push(part.to_vec());
            needles.push(hex(part).into_bytes());
            needles.extend(base64_at_any_offset(part));
        }
    }
    needles
}

/// Fails if `text` contains a secret, and shows the text around it.
pub fn assert_clean(from: &str, text: &[u8]) {
    for needle in needles() {
        let found = text.windows(needle.len()).position(|window| window.eq_ignore_ascii_case(&needle));
        if let Some(at) = found {
            let around = &text[at.saturating_sub(300)..text.len().min(at + 100)];
            panic!("{from} has a secret: …{}…", String::from_utf8_lossy(around));
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

/// Returns the base64 digits that depend only on `bytes`, and not on the bytes before them: one text for each offset
/// in a group of three bytes.
fn base64_at_any_offset(bytes: &[u8]) -> [Vec<u8>; 3] {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    [0, 1, 2].map(|skipped| {
        bytes[skipped..]
            .chunks_exact(3)
            .flat_map(|group| {
                let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
                [18, 12, 6, 0].map(|shift| ALPHABET[(bits >> shift & 63) as usize])
            })
            .collect()
    })
}

#[test]
fn a_secret_is_found_in_every_dress() {
    // `printf 'Bearer %s' sk-planted-4f9a1c77e0b24d5a91c3 | base64`
    let base64 = "QmVhcmVyIHNrLXBsYW50ZWQtNGY5YTFjNzdlMGIyNGQ1YTkxYzM=";
    for text in
        [KEY, &hex(KEY.as_bytes()), &hex(KEY.as_bytes()).to_uppercase(), base64, "xylophones are planted"]
    {
        let caught =
            std::panic::catch_unwind(|| assert_clean("a text", format!("before {text} after").as_bytes()));
        assert_eq!(caught.is_err(), !text.starts_with('x'), "{text}");
    }
}
