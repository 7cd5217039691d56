//! Files that pages load: styles and modules of ours, inside of the binary.

/// A file that a browser loads once and keeps.
pub struct Asset {
    pub name: &'static str,
    pub content_type: &'static str,
    pub bytes: &'static [u8],
}

/// Path under which the files are served, before their version.
pub const PREFIX: &str = "/ui/assets";

const CSS: &str = "text/css; charset=utf-8";
const MODULE: &str = "text/javascript; charset=utf-8";

macro_rules! assets {
    ($($name:literal: $content_type:expr),+ $(,)?) => {
        /// Every file.
        pub const ASSETS: &[Asset] = &[$(Asset {
            name: $name,
            content_type: $content_type,
            bytes: include_bytes!(concat!("../assets/", $name)),
        }),+];
    };
}

assets! {
    "style.css": CSS,
    "layout.css": CSS,
    "table.css": CSS,
    "chart.css": CSS,
    "icon.svg": "image/svg+xml",
    "live.js": MODULE,
    "morph.js": MODULE,
    "stream.js": MODULE,
    "log.js": MODULE,
    "rows.js": MODULE,
    "forms.js": MODULE,
    "hover.js": MODULE,
}

/// Version of all files together. They name each other by relative URLs, so that one version covers what a module imports.
pub const VERSION: u64 = version();

/// Returns the file with this name.
pub fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

/// Returns the URL of a file, which changes when any file does.
pub fn url(name: &str) -> String {
    debug_assert!(find(name).is_some(), "there is no file {name}");
    format!("{PREFIX}/{VERSION:016x}/{name}")
}

/// Returns the text of a style, for a document that has its styles in itself.
pub fn text(name: &str) -> &'static str {
    find(name).and_then(|asset| std::str::from_utf8(asset.bytes).ok()).unwrap_or_default()
}

/// Hashes the files (FNV-1a): two builds with other files differ, and no one has a reason to make them collide.
const fn version() -> u64 {
    let (mut hash, mut file) = (0xcbf2_9ce4_8422_2325_u64, 0);
    while file < ASSETS.len() {
        let (bytes, mut at) = (ASSETS[file].bytes, 0);
        while at < bytes.len() {
            hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
            at += 1;
        }
        file += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_module_imports_is_there() {
        for asset in ASSETS.iter().filter(|asset| asset.content_type == MODULE) {
            let text = std::str::from_utf8(asset.bytes).unwrap();
            for line in text.lines().filter(|line| line.starts_with("import ")) {
                let name = line.split("\"./").nth(1).unwrap().trim_end_matches("\";");
                assert!(find(name).is_some(), "{}: {line}", asset.name);
            }
        }
    }

    #[test]
    fn a_url_has_the_version_of_all_files() {
        assert_eq!(url("live.js"), format!("/ui/assets/{VERSION:016x}/live.js"));
        assert!(find("absent.js").is_none());
    }
}
