use runmill_proto::Item;

/// Least share of right answers that are accepted, and largest of wrong ones, in each style.
const RIGHT_MIN: f64 = 0.98;
const WRONG_MAX: f64 = 0.005;

#[derive(Default)]
pub struct Table(Vec<Row>);

struct Row {
    style: &'static str,
    items: usize,
    accepted: usize,
    unscored: usize,
    wrong_accepted: usize,
    /// First right answer that was not accepted, or wrong one that was.
    fault: Option<String>,
}

impl Table {
    /// Scores a right and a wrong answer to an item.
    pub fn add(&mut self, style: &'static str, item: &Item, right: &str, wrong: &str) {
        if self.0.last().is_none_or(|row| row.style != style) {
            self.0.push(Row { style, items: 0, accepted: 0, unscored: 0, wrong_accepted: 0, fault: None });
        }
        let row = self.0.last_mut().unwrap();
        row.items += 1;
        let score = |answer: &str| runmill_scoring::score(item, None, answer).unwrap();
        let (of_right, of_wrong) = (score(right), score(wrong));
        row.accepted += usize::from(of_right.value == Some(1.0));
        row.unscored += usize::from(of_right.value.is_none());
        row.wrong_accepted += usize::from(of_wrong.value == Some(1.0));
        if of_right.value != Some(1.0) {
            row.fault.get_or_insert_with(|| format!("right: {right:?}: {of_right:?}"));
        }
        if of_wrong.value == Some(1.0) {
            row.fault.get_or_insert_with(|| format!("wrong: {wrong:?}: {of_wrong:?}"));
        }
    }

    /// Prints the shares of each style, and panics if one is out of its bounds.
    #[expect(clippy::cast_precision_loss, reason = "there are few items")]
    pub fn check(&self, styles: usize) {
        assert_eq!(self.0.len(), styles, "every style is scored");
        println!("{:60} right   unscored  wrong accepted (%)", "style");
        let mut faults = Vec::new();
        for row in &self.0 {
            let share = |count: usize| count as f64 / row.items as f64;
            let shares = [row.accepted, row.unscored, row.wrong_accepted].map(share);
            println!(
                "{:60} {:5.1}   {:8.1}  {:14.1}",
                row.style,
                shares[0] * 100.0,
                shares[1] * 100.0,
                shares[2] * 100.0
            );
            if shares[0] < RIGHT_MIN || shares[2] > WRONG_MAX {
                faults.push(format!(
                    "{}: {:?} {}",
                    row.style,
                    shares,
                    row.fault.as_deref().unwrap_or_default()
                ));
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}
