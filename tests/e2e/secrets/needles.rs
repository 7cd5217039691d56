use std::fmt::Write;

pub const KEY: &str = "sk-planted-4f9a1c77e0b24d5a91c3";
pub const HEADER: &str = "team-planted-7be21d90c35f48aa06e7";
/// Token of the API.
pub const TOKEN: &str = "token-planted-c05e8b1f6d7a49327a60";
/// Password of the database and of the broker.
pub const PASSWORD: &str = "pass-planted-19d3e5b7f8a2406cc4d1";
/// `ENCRYPTION_KEY`.
pub const ENCRYPTION_KEY: &str = "5ec7e70f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5";

const PLANTED: [&str; 5] = [KEY, HEADER, TOKEN, PASSWORD, ENCRYPTION_KEY];

/// Returns the texts that must not be found: each secret and its middle, in plain text, hexadecimal, base64 and the
/// encoding of URLs.
fn needles() -> Vec<String> {
    let mut needles = Vec::new();
    for secret in PLANTED {
        let middle = &secret[8..secret.len() - 4];
        for part in [secret, middle] {
            needles.extend([part.to_owned(), hex(part), percent(part)]);
            needles.extend(base64_at_any_offset(part.as_bytes()));
        }
    }
    needles.iter().map(|needle| needle.to_ascii_lowercase()).collect()
}

/// Fails if `text` contains a secret in any case of its letters, and shows the text around it.
pub fn assert_clean(from: &str, text: &[u8]) {
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    for needle in needles() {
        if let Some(at) = text.find(&needle) {
            let (start, end) = (at.saturating_sub(300), text.len().min(at + 100));
            panic!("{from} has a secret: …{}…", String::from_utf8_lossy(&text.as_bytes()[start..end]));
        }
    }
}

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

/// Returns `text` with everything but letters and digits percent-encoded.
fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02x}").expect("a string takes everything");
        }
        text
    })
}

/// Returns the base64 digits that depend only on `bytes`, and not on the bytes before them: one text for each offset
/// in a group of three bytes.
fn base64_at_any_offset(bytes: &[u8]) -> [String; 3] {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    [0, 1, 2].map(|skipped| {
        bytes[skipped..]
            .chunks_exact(3)
            .flat_map(|group| {
                let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
                [18, 12, 6, 0].map(|shift| char::from(ALPHABET[(bits >> shift & 63) as usize]))
            })
            .collect()
    })
}

#[test]
fn a_secret_is_found_in_every_dress() {
    // `printf 'Bearer %s' sk-planted-4f9a1c77e0b24d5a91c3 | base64`
    let base64 = "QmVhcmVyIHNrLXBsYW50ZWQtNGY5YTFjNzdlMGIyNGQ1YTkxYzM=";
    let (hexadecimal, url) = (hex(KEY), "sk%2Dplanted%2D4f9a1c77e0b24d5a91c3");
    let dresses =
        [KEY, &hexadecimal, &hexadecimal.to_uppercase(), base64, url, TOKEN, "xylophones are planted"];
    for text in dresses {
        let caught =
            std::panic::catch_unwind(|| assert_clean("a text", format!("before {text} after").as_bytes()));
        assert_eq!(caught.is_err(), !text.starts_with('x'), "{text}");
    }
}
