use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};

use crate::Sample;

/// Largest number of samples of an evaluation.
const SAMPLES_MAX: usize = 1_000_000;
/// Longest line of a sample, in bytes.
const LINE_MAX: u64 = 16 * 1024 * 1024;

/// Reads samples, one as JSON on each line. The text of an error can be shown.
pub(crate) async fn read(output: impl AsyncRead + Unpin) -> Result<Vec<Sample>, String> {
    let (mut output, mut samples, mut line) = (BufReader::new(output), Vec::new(), Vec::new());
    loop {
        line.clear();
        let read = (&mut output).take(LINE_MAX).read_until(b'\n', &mut line).await;
        if read.map_err(|error| error.to_string())? == 0 {
            return Ok(samples);
        }
        if samples.len() == SAMPLES_MAX {
            return Err(format!("there are more than {SAMPLES_MAX} samples"));
        }
        samples.push(serde_json::from_slice(&line).map_err(|error| format!("a sample: {error}"))?);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_line_is_a_sample() {
        let line =
            r#"{"task":"t|0","id":"7","question":"?","reference":["4"],"answers":["4"],"metrics":{"em":1}}"#;
        let samples = read(format!("{line}\n{line}\n").as_bytes()).await.unwrap();
        assert_eq!((samples.len(), samples[0].id.as_str()), (2, "7"));
        assert!(read(&b"{}\n"[..]).await.is_err());
        assert_eq!(read(&b""[..]).await, Ok(Vec::new()));
    }
}
