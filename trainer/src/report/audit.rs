//! What `scanlight audit` found in the data.

use super::percent;
use crate::audit::floor::Score;
use crate::audit::summary::{LeakCount, Summary};
use crate::html::{Page, table};

/// Sizes, duplicates, leaks, conflicts and the nearest neighbour of the audited sets.
pub fn audit(page: &mut Page, found: &Summary) {
    page.heading("Data audit");
    let duplicates = &found.duplicates;
    page.paragraph(&format!(
        "{} exact and {} near pairs of duplicates in all; {} pairs with contradictory labels; {} unreadable files. {}",
        duplicates.exact_pairs,
        duplicates.near_pairs,
        found.conflicts.len(),
        found.unreadable.len(),
        found.definition
    ));
    let rows: Vec<Vec<String>> = found
        .sets
        .iter()
        .map(|set| {
            let classes = set.balance.get("all").map_or(String::new(), |counts| {
                let counts: Vec<String> = counts
                    .iter()
                    .map(|(class, count)| format!("{class} {count}"))
                    .collect();
                counts.join(", ")
            });
            vec![
                set.name.clone(),
                set.images.to_string(),
                classes,
                set.unreadable.to_string(),
                set.with_duplicate.to_string(),
                set.spare.to_string(),
                set.leak.as_ref().map_or("-".into(), |leak| count(leak.all)),
            ]
        })
        .collect();
    page.raw(&table(
        &[
            "set",
            "images",
            "by class",
            "unreadable",
            "with a duplicate in the set",
            "could go without losing a picture",
            "Testing images with a duplicate in Training (without turning, exactly)",
        ],
        &rows,
    ));
    let rows: Vec<Vec<String>> = found
        .between
        .iter()
        .map(|pair| {
            vec![
                format!("{} in {}", pair.set, pair.other),
                count(pair.all),
                count(pair.test),
            ]
        })
        .collect();
    if !rows.is_empty() {
        page.raw(&table(
            &["set in another", "all its images", "its Testing images"],
            &rows,
        ));
    }
    let score = |score: Score| {
        let share = score.right as f64 / score.images.max(1) as f64;
        format!("{} of {}", percent(share), score.images)
    };
    let rows: Vec<Vec<String>> = found
        .sets
        .iter()
        .flat_map(|set| {
            set.nearest_neighbour.iter().map(|floor| {
                vec![
                    set.name.clone(),
                    floor.split.clone(),
                    score(floor.all),
                    score(floor.without_twin),
                ]
            })
        })
        .collect();
    page.raw(&table(
        &[
            "nearest neighbour on raw pixels",
            "split",
            "right, all test images",
            "right, those without a near-duplicate",
        ],
        &rows,
    ));
}

fn count(leak: LeakCount) -> String {
    let share = leak.near as f64 / leak.images.max(1) as f64;
    format!(
        "{} of {} ({}; {}, {})",
        leak.near,
        leak.images,
        percent(share),
        leak.upright,
        leak.exact
    )
}
