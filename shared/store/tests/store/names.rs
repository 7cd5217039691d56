use std::path::Path;

/// PostgreSQL 18 keeps no comment in front of a statement in its statistics, so the name stands behind the first word.
#[test]
fn every_statement_has_its_name_behind_the_first_word() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/postgres");
    let mut statements = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines().map(|line| line.trim_start().trim_start_matches('"')) {
            assert!(!line.starts_with("-- "), "{}: a name in front: {line}", path.display());
            let mut words = line.split(' ');
            let is_first = words
                .next()
                .is_some_and(|word| ["SELECT", "INSERT", "UPDATE", "DELETE", "COPY", "WITH"].contains(&word));
            if is_first && words.next() == Some("/*") {
                let name = words.next().unwrap();
                // A function that makes several statements is given their names.
                let is_parameter = name == "{name}";
                let is_name = name.chars().all(|c| c.is_ascii_lowercase() || "._".contains(c));
                assert!(is_parameter || is_name, "{name}");
                statements += 1;
            }
        }
        for begin in ["SELECT", "INSERT", "UPDATE", "DELETE", "COPY", "WITH"] {
            for rest in text.split(&format!("str = \"\\\n{begin}")).skip(1) {
                assert!(rest.starts_with(" /* "), "{}: {begin} without a name", path.display());
            }
        }
    }
    assert!(statements > 35, "the test finds only {statements} statements");
}
